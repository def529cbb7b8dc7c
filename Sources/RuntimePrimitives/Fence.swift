public import Synchronization

/// Orders all that this thread did before against all that a thread does after a fence of its own that comes later.
///
/// It has a name of its own so that the model checker can have its own in its stead.
@inlinable
public func sequentiallyConsistentFence() { atomicMemoryFence(ordering: .sequentiallyConsistent) }

public import Synchronization

/// Orders all previous memory accesses of this thread before all later accesses of a thread that executes such a fence
/// afterwards.
///
/// It is a function of its own so that the model checker can substitute it.
@inlinable
public func sequentiallyConsistentFence() { atomicMemoryFence(ordering: .sequentiallyConsistent) }

import Synchronization

/// Whatever this thread did before it is seen by whoever passes one after it. By a name of our own, so that the model
/// checker can have its own.
func sequentiallyConsistentFence() { atomicMemoryFence(ordering: .sequentiallyConsistent) }

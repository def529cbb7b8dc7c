import Glibc
import Runtime
import Synchronization

/// A descriptor that may be closed while other threads use it.
///
/// The number is released once the descriptor has been closed *and* no system call on it is in progress. So a call that
/// races with the close can never reach another file with the same number.
package struct OpenDescriptor: ~Copyable, Sendable {
  package let number: Int32
  /// The number of references: one until the descriptor is closed, and one per call in progress.
  private let referenceCount = Atomic<UInt32>(1)
  private let isClosed = Atomic(false)

  /// Takes ownership of `number`.
  package init(_ number: Int32) {
    self.number = number
  }

  deinit {
    close()
  }

  /// Calls `call` with the number, unless the descriptor is closed.
  @inline(__always)
  package func use<Result>(_ call: (Int32) -> Result) -> Result? {
    guard tryRetain() else { return nil }
    defer { release() }
    return call(number)
  }

  /// Prevents further use, and closes the descriptor once no call is in progress.
  ///
  /// - Returns: whether it was open.
  @discardableResult
  package func close() -> Bool {
    guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return false }
    release()
    return true
  }

  /// Adds a reference, unless the descriptor is closed.
  ///
  /// - Returns: whether it was added.
  @inline(__always)
  private func tryRetain() -> Bool {
    // Incremented only if it is not 0: a count of 0 means that the number has been released.
    var count = referenceCount.load(ordering: .relaxed)
    while count > 0, !isClosed.load(ordering: .sequentiallyConsistent) {
      let (done, seen) = referenceCount.weakCompareExchange(
        expected: count, desired: count + 1, successOrdering: .acquiring, failureOrdering: .relaxed)
      if done { return true }
      count = seen
    }
    return false
  }

  @inline(__always)
  private func release() {
    // Acquiring and releasing: every call on the descriptor happens before the close.
    if referenceCount.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { Glibc.close(number) }
  }
}

import Glibc
import Runtime
import Synchronization

/// A descriptor that may be closed while others use it.
///
/// Its number goes back to the system when it has been closed *and* no system call on it is under way, so that a call
/// that races with the close can never reach a file that was given the same number since.
package struct OpenDescriptor: ~Copyable, Sendable {
  package let number: Int32
  /// How many hold it open: one until it is closed, and one a call under way.
  private let holds = Atomic<UInt32>(1)
  private let isClosed = Atomic(false)

  /// Takes `number` over.
  package init(_ number: Int32) {
    self.number = number
  }

  deinit {
    close()
  }

  /// Runs `call`, with the number, unless the descriptor is closed.
  @inline(__always)
  package func use<Result>(_ call: (Int32) -> Result) -> Result? {
    guard hold() else { return nil }
    defer { release() }
    return call(number)
  }

  /// Lets nobody begin to use it, and gives it back as soon as nobody does.
  ///
  /// - Returns: whether it was open.
  @discardableResult
  package func close() -> Bool {
    guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return false }
    release()
    return true
  }

  @inline(__always)
  private func hold() -> Bool {
    // Only ever taken from a count that is not 0: once it has been there the number is not ours any more.
    var count = holds.load(ordering: .relaxed)
    while count > 0, !isClosed.load(ordering: .sequentiallyConsistent) {
      let (done, seen) = holds.weakCompareExchange(
        expected: count, desired: count + 1, successOrdering: .acquiring, failureOrdering: .relaxed)
      if done { return true }
      count = seen
    }
    return false
  }

  @inline(__always)
  private func release() {
    // Releasing and acquiring: every call on the descriptor comes before the close.
    if holds.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { Glibc.close(number) }
  }
}

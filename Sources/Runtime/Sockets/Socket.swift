import Glibc
import Synchronization

/// A non-blocking descriptor that a poller watches: what streams and listeners are made of.
///
/// Its number goes back to the system when it has been closed *and* no system call on it is under way, so that a read
/// that races with a close can never reach a file that was given the same number since.
package final class Socket: Sendable {
  package let descriptor: Int32
  package let reading = Readiness()
  package let writing = Readiness()
  private let poller: any Poller
  /// How many hold the descriptor open: one for the socket until it is closed, and one a system call under way.
  private let holds = Atomic<UInt32>(1)
  private let isClosed = Atomic(false)

  /// Takes `descriptor` over, and closes it if it cannot be watched.
  package init(_ descriptor: Int32, poller: any Poller) throws(IOError) {
    self.descriptor = descriptor
    self.poller = poller
    do throws(IOError) {
      try poller.add(self)
    } catch {
      isClosed.store(true, ordering: .relaxed)
      release()
      throw error
    }
  }

  /// Closes both ways and wakes whoever waits.
  ///
  /// - Returns: whether it was open.
  @discardableResult
  package func close() -> Bool {
    guard !isClosed.exchange(true, ordering: .sequentiallyConsistent) else { return false }
    reading.close()
    writing.close()
    poller.remove(self)
    release()
    return true
  }

  /// Runs `call` with the descriptor held open, again for as long as a signal interrupts it.
  ///
  /// - Returns: what it returned, and `errno` after it if that was negative.
  package func withDescriptor(
    _ operation: IOError.Operation, _ call: (Int32) -> Int
  ) throws(IOError) -> (result: Int, errno: Int32) {
    guard hold() else { throw IOError(operation, .closed) }
    defer { release() }
    while true {
      let result = call(descriptor)
      if result >= 0 { return (result, 0) }
      let code = errno
      if code != EINTR { return (result, code) }
    }
  }

  /// Waits until `interest` is worth trying.
  package func wait(for interest: Interest, _ operation: IOError.Operation) async throws(IOError) {
    switch interest {
    case .read:
      if reading.isWorthTrying { return }
      poller.arm(self, .read)
      try await reading.wait(operation)
    case .write:
      if writing.isWorthTrying { return }
      poller.arm(self, .write)
      try await writing.wait(operation)
    }
  }

  /// This end's address; `nil` once it is closed.
  package var localAddress: SocketAddress? {
    guard hold() else { return nil }
    defer { release() }
    return SocketAddress.read { getsockname(descriptor, $0, $1) }
  }

  /// The other end's address; `nil` if it is not connected (any more).
  package var peerAddress: SocketAddress? {
    guard hold() else { return nil }
    defer { release() }
    return SocketAddress.read { getpeername(descriptor, $0, $1) }
  }

  private func hold() -> Bool {
    // Only ever taken from a count that is not 0: once it has been there the number is not ours any more.
    var count = holds.load(ordering: .relaxed)
    while count > 0 {
      let (done, seen) = holds.weakCompareExchange(
        expected: count, desired: count + 1, successOrdering: .acquiring, failureOrdering: .relaxed)
      if done {
        if isClosed.load(ordering: .sequentiallyConsistent) {
          release()
          return false
        }
        return true
      }
      count = seen
    }
    return false
  }

  private func release() {
    // Releasing and acquiring: every call on the descriptor comes before the close.
    if holds.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { Glibc.close(descriptor) }
  }
}

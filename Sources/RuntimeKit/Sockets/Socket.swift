import CRuntime
import Glibc
package import Runtime

/// A non-blocking descriptor watched by a poller: the base of streams, listeners and datagram sockets.
///
/// For a ``Poller`` it is a number to watch and an object to signal.
public final class Socket: Sendable {
  package let descriptor: OpenDescriptor
  /// Whether a direction can end. A datagram socket continues to receive after an error.
  private let canEnd: Bool
  // A new socket is usually writable and has nothing to read. A connection that has sent nothing yet should wait like
  // an idle one, without a futile read. The poller reports existing data when the socket is added.
  package let reading = Readiness(isReady: false)
  package let writing = Readiness(isReady: true)
  private let poller: any Poller
  /// The name of a Unix-domain socket in the file system.
  private let name: SocketName?

  /// The work done since the last wait, in both directions. Without it, a task with a fast peer would keep its worker
  /// forever.
  package let turn = Turn()

  /// Takes ownership of `descriptor` and its `name` in the file system. If the socket cannot be watched, it removes the
  /// name and closes the descriptor.
  package init(
    _ descriptor: Int32, named name: SocketName? = nil, canEnd: Bool = true, poller: any Poller
  ) throws(IOError) {
    self.descriptor = OpenDescriptor(descriptor)
    self.canEnd = canEnd
    self.poller = poller
    self.name = name
    do throws(IOError) {
      try poller.add(self)
    } catch {
      name?.remove()
      throw error
    }
  }

  /// The number of the descriptor. The socket owns it only during the calls of its poller that say so; at other times
  /// it may already belong to another file.
  public var number: Int32 { descriptor.number }

  /// Signals that a direction may be ready, and resumes the task that waits for it. A poller calls this from any
  /// thread. Spurious signals are harmless.
  ///
  /// - Parameter isFinal: whether the direction has ended or failed, so that no more signals follow. A datagram socket
  ///   ignores it.
  public func signal(_ interest: Interest, isFinal: Bool = false) {
    switch interest {
    case .read: reading.signal(ended: isFinal && canEnd)
    case .write: writing.signal(ended: isFinal && canEnd)
    }
  }

  /// Closes both directions, removes the name in the file system, and resumes waiting tasks.
  ///
  /// - Returns: whether the socket was open.
  @discardableResult
  public func close() -> Bool { close(stopsListening: false) }

  /// Closes the socket like `close()`.
  ///
  /// - Parameter stopsListening: whether this is a listening socket that no other process shares. It then stops
  ///   accepting at once, even if a poll(2) in progress keeps the file open a little longer.
  @discardableResult
  func close(stopsListening: Bool) -> Bool {
    // First, since an open socket keeps the inode number of its file from being reused.
    name?.remove()
    reading.close()
    writing.close()
    // While the number is still owned. Both calls may be repeated.
    _ = descriptor.use { number in
      poller.remove(self)
      if stopsListening { shutdown(number, Int32(SHUT_RDWR)) }
    }
    return descriptor.close()
  }

  /// Calls `call`, a system call, and repeats it on `EINTR`.
  ///
  /// - Returns: its result, and `errno` if that was negative.
  @inline(__always)
  package func call(
    _ operation: IOError.Operation, _ call: (Int32) -> Int
  ) throws(IOError) -> (result: Int, errno: Int32) {
    let outcome = descriptor.use { number in
      while true {
        let result = call(number)
        if result >= 0 { return (result, Int32(0)) }
        let code = errno
        if code != EINTR { return (result, code) }
      }
    }
    guard let outcome else { throw IOError(operation, .closed) }
    return outcome
  }

  /// Waits until `interest` may be ready.
  package func wait(for interest: Interest, _ operation: IOError.Operation) async throws(IOError) {
    switch interest {
    case .read:
      if reading.isReady { return }
      willWait(for: .read, operation)
      try await reading.wait(operation)
    case .write:
      if writing.isReady { return }
      willWait(for: .write, operation)
      try await writing.wait(operation)
    }
  }

  /// Prepares for a wait.
  package func willWait(for interest: Interest, _ operation: IOError.Operation) {
    turn.restart()
    TaskTable.willWait(for: .socket(operation, number))
    poller.arm(self, interest)
  }

  /// The local address; `nil` once the socket is closed.
  package var localAddress: SocketAddress? {
    descriptor.use { number in SocketAddress(writtenBy: { getsockname(number, $0, $1) }) } ?? nil
  }

  /// The peer's credentials, if this is an open Unix-domain socket.
  package var peerCredentials: PeerCredentials? {
    descriptor.use { number -> PeerCredentials? in
      var (process, user, group): (Int32, UInt32, UInt32) = (0, 0, 0)
      guard gearbox_peer_credentials(number, &process, &user, &group) else { return nil }
      return PeerCredentials(processID: process, userID: user, groupID: group)
    } ?? nil
  }

  /// Whether the peer is still connected; `nil` once this end is closed.
  package var peerPresence: PeerPresence? {
    descriptor.use { number -> PeerPresence? in
      // POLLRDHUP reports the end of the stream even if there are unread bytes before it.
      let readHangUp: Int16 = 0x2000
      var entry = pollfd(fd: number, events: readHangUp, revents: 0)
      guard poll(&entry, 1, 0) >= 0 else { return nil }
      if entry.revents & Int16(POLLERR | POLLHUP) != 0 { return .gone }
      return entry.revents & readHangUp != 0 ? .finished : .present
    } ?? nil
  }

  /// Whether a read would return bytes at once; `nil` once this end is closed.
  package var pendingInput: PendingInput? {
    descriptor.use { number in
      var byte: UInt8 = 0
      return PendingInput(isThere: recv(number, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) == 1)
    }
  }

  /// The peer's address; `nil` if the socket is not connected.
  package var peerAddress: SocketAddress? {
    descriptor.use { number in SocketAddress(writtenBy: { getpeername(number, $0, $1) }) } ?? nil
  }
}

import CRuntime
import Glibc
package import Runtime

/// A non-blocking descriptor that a poller watches: what streams, listeners and sockets for datagrams are made of.
///
/// To a ``Poller`` it is a number to watch and a place to signal.
public final class Socket: Sendable {
  package let descriptor: OpenDescriptor
  /// Whether a direction can end. It cannot where there are datagrams: after an error more may come.
  private let canEnd: Bool
  // A new socket has room for what is written, and mostly nothing to read: a connection that has sent nothing yet is to
  // wait as an idle one does, and not be tried in vain. The poller tells of what is there when it is added.
  package let reading = Readiness(isReady: false)
  package let writing = Readiness(isReady: true)
  private let poller: any Poller
  /// What a Unix-domain socket is called in the file system.
  private let name: SocketName?

  /// What has been done since the last wait, in both directions: a peer that is never slow would otherwise have the task
  /// keep a worker for itself.
  package let turn = Turn()

  /// Takes over `descriptor` and its `name` in the file system. If it cannot be watched, removes the name and closes the
  /// descriptor.
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

  /// The number of its descriptor. It is the socket's in the calls of its poller that say so, and may be another file's
  /// at any other time.
  public var number: Int32 { descriptor.number }

  /// Says that a direction is worth trying, and wakes the task that waits for it. A poller calls this from any thread; a
  /// signal without need does no harm.
  ///
  /// - Parameter isFinal: whether the direction has ended or failed, so that no more signals will come. A socket for
  ///   datagrams takes no notice of it.
  public func signal(_ interest: Interest, isFinal: Bool = false) {
    switch interest {
    case .read: reading.signal(ended: isFinal && canEnd)
    case .write: writing.signal(ended: isFinal && canEnd)
    }
  }

  /// Closes both ways, removes the name in the file system, and wakes the tasks that wait for it.
  ///
  /// - Returns: whether it was open.
  @discardableResult
  public func close() -> Bool { close(stopsListening: false) }

  /// - Parameter stopsListening: whether it is a listening socket that no other process has. It takes no connection from
  ///   now on, even if a poll(2) under way holds its file open for another moment.
  @discardableResult
  func close(stopsListening: Bool) -> Bool {
    // First, as an open socket keeps its file from being taken for another's.
    name?.remove()
    reading.close()
    writing.close()
    // While the number is still ours. Both may be done twice.
    _ = descriptor.use { number in
      poller.remove(self)
      if stopsListening { shutdown(number, Int32(SHUT_RDWR)) }
    }
    return descriptor.close()
  }

  /// Runs `call`, a system call, again for as long as a signal interrupts it.
  ///
  /// - Returns: what it returned, and `errno` after it if that was negative.
  @inline(__always)
  package func call(
    _ operation: IOError.Operation, _ call: (Int32) -> Int
  ) throws(IOError) -> (result: Int, errno: Int32) {
    let answer = descriptor.use { number in
      while true {
        let result = call(number)
        if result >= 0 { return (result, Int32(0)) }
        let code = errno
        if code != EINTR { return (result, code) }
      }
    }
    guard let answer else { throw IOError(operation, .closed) }
    return answer
  }

  /// Waits until `interest` is worth trying.
  package func wait(for interest: Interest, _ operation: IOError.Operation) async throws(IOError) {
    switch interest {
    case .read:
      if reading.isWorthTrying { return }
      willWait(for: .read, operation)
      try await reading.wait(operation)
    case .write:
      if writing.isWorthTrying { return }
      willWait(for: .write, operation)
      try await writing.wait(operation)
    }
  }

  /// To be called before a wait.
  package func willWait(for interest: Interest, _ operation: IOError.Operation) {
    turn.restart()
    TaskTable.willWait(for: .socket(operation, number))
    poller.arm(self, interest)
  }

  /// This end's address; `nil` once it is closed.
  package var localAddress: SocketAddress? {
    descriptor.use { number in SocketAddress(writtenBy: { getsockname(number, $0, $1) }) } ?? nil
  }

  /// The process at the other end, if this is a Unix-domain socket that is open.
  package var peerCredentials: PeerCredentials? {
    descriptor.use { number -> PeerCredentials? in
      var (process, user, group): (Int32, UInt32, UInt32) = (0, 0, 0)
      guard gearbox_peer_credentials(number, &process, &user, &group) else { return nil }
      return PeerCredentials(processID: process, userID: user, groupID: group)
    } ?? nil
  }

  /// Whether the other end is there still; `nil` once this end is closed.
  package var peerPresence: PeerPresence? {
    descriptor.use { number -> PeerPresence? in
      // POLLRDHUP: unread bytes do not hide the end behind them, as they would from a look at what can be read.
      let hasFinished: Int16 = 0x2000
      var entry = pollfd(fd: number, events: hasFinished, revents: 0)
      guard poll(&entry, 1, 0) >= 0 else { return nil }
      if entry.revents & Int16(POLLERR | POLLHUP) != 0 { return .gone }
      return entry.revents & hasFinished != 0 ? .finished : .present
    } ?? nil
  }

  /// Whether a read would return bytes at once; `nil` once this end is closed.
  package var pendingInput: PendingInput? {
    descriptor.use { number in
      var byte: UInt8 = 0
      return PendingInput(isThere: recv(number, &byte, 1, Int32(MSG_PEEK | MSG_DONTWAIT)) == 1)
    }
  }

  /// The other end's address; `nil` if it is not connected (any more).
  package var peerAddress: SocketAddress? {
    descriptor.use { number in SocketAddress(writtenBy: { getpeername(number, $0, $1) }) } ?? nil
  }
}

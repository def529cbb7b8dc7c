import Glibc
import Runtime
import RuntimePrimitives
import Synchronization

/// A poller on poll(2), for systems without epoll and for testing that no code depends on epoll's behaviour.
///
/// poll(2) reports levels rather than edges, so a direction is only polled while a task waits for it: `arm` enables it,
/// and the first report disables it.
final class PollPoller: Poller {
  private let watched = Lock<[Int32: Entry]>([:])
  /// The ends of a pipe that ends a wait.
  private let wakeReadEnd: OpenDescriptor
  private let wakeWriteEnd: OpenDescriptor
  /// Whether the pipe has been written to and not read yet, so that many wake-ups cost one write.
  private let isWakePending = Atomic(false)

  private struct Entry {
    let socket: Socket
    var armed: Int16
  }

  init() throws(IOError) {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw IOError(.poll, .system(errno)) }
    for end in ends {
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
    }
    wakeReadEnd = OpenDescriptor(ends[0])
    wakeWriteEnd = OpenDescriptor(ends[1])
  }

  func close() {
    wakeReadEnd.close()
    wakeWriteEnd.close()
  }

  func add(_ socket: Socket) throws(IOError) {
    watched.withLock { $0[socket.number] = Entry(socket: socket, armed: 0) }
  }

  func remove(_ socket: Socket) {
    watched.withLock { _ = $0.removeValue(forKey: socket.number) }
    // A poll in progress would continue to watch the number, which may soon belong to another file.
    wake()
  }

  func arm(_ socket: Socket, _ interest: Interest) {
    let kind = interest == .read ? POLLIN : POLLOUT
    watched.withLock { $0[socket.number]?.armed |= Int16(kind) }
    wake()
  }

  @discardableResult
  func poll(timeout: Int64?) -> Int {
    var polled = [pollfd(fd: wakeReadEnd.number, events: Int16(POLLIN), revents: 0)]
    watched.withLock { watched in
      for (descriptor, entry) in watched where entry.armed != 0 {
        polled.append(pollfd(fd: descriptor, events: entry.armed, revents: 0))
      }
    }
    guard Glibc.poll(&polled, nfds_t(polled.count), milliseconds(timeout)) > 0 else { return 0 }
    if polled[0].revents != 0 {
      var bytes: UInt64 = 0
      while wakeReadEnd.use({ read($0, &bytes, 8) }) == 8 {}
      // After emptying the pipe. A thread that calls `wake` in between sees the flag set and does not write, but
      // everything after this point sees what that thread has done before.
      isWakePending.store(false, ordering: .sequentiallyConsistent)
    }
    var signalled = 0
    for result in polled.dropFirst() where result.revents != 0 {
      let broken = result.revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0
      let reported = broken ? Int16(POLLIN | POLLOUT) : result.revents
      // By number, which may belong to a newer socket by now. A spurious signal only makes that one retry.
      let socket: Socket? = watched.withLock { watched in
        watched[result.fd]?.armed &= ~reported
        return watched[result.fd]?.socket
      }
      guard let socket else { continue }
      if reported & Int16(POLLIN) != 0 { socket.signal(.read) }
      if reported & Int16(POLLOUT) != 0 { socket.signal(.write) }
      signalled += 1
    }
    return signalled
  }

  func wake() {
    guard !isWakePending.exchange(true, ordering: .sequentiallyConsistent) else { return }
    var byte: UInt8 = 1
    _ = wakeWriteEnd.use { write($0, &byte, 1) }
  }

  func closeSockets() {
    let sockets = watched.withLock { watched in watched.values.map(\.socket) }
    for socket in sockets { socket.close() }
  }
}

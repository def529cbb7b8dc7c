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
  /// A pipe that ends a wait.
  private let hearing: OpenDescriptor
  private let ringing: OpenDescriptor
  /// Whether the pipe has been written to and not read yet, so that many wake-ups cost one write.
  private let hasRung = Atomic(false)

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
    hearing = OpenDescriptor(ends[0])
    ringing = OpenDescriptor(ends[1])
  }

  func close() {
    hearing.close()
    ringing.close()
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
    var asked = [pollfd(fd: hearing.number, events: Int16(POLLIN), revents: 0)]
    watched.withLock { watched in
      for (descriptor, entry) in watched where entry.armed != 0 {
        asked.append(pollfd(fd: descriptor, events: entry.armed, revents: 0))
      }
    }
    guard Glibc.poll(&asked, nfds_t(asked.count), milliseconds(timeout)) > 0 else { return 0 }
    if asked[0].revents != 0 {
      var rings: UInt64 = 0
      while hearing.use({ read($0, &rings, 8) }) == 8 {}
      // After emptying the pipe. A thread that calls `wake` in between sees the flag set and does not write, but
      // everything after this point sees what that thread has done before.
      hasRung.store(false, ordering: .sequentiallyConsistent)
    }
    var signalled = 0
    for answer in asked.dropFirst() where answer.revents != 0 {
      let broken = answer.revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0
      let told = broken ? Int16(POLLIN | POLLOUT) : answer.revents
      // By number, which may belong to a newer socket by now. A spurious signal only makes that one retry.
      let socket: Socket? = watched.withLock { watched in
        watched[answer.fd]?.armed &= ~told
        return watched[answer.fd]?.socket
      }
      guard let socket else { continue }
      if told & Int16(POLLIN) != 0 { socket.signal(.read) }
      if told & Int16(POLLOUT) != 0 { socket.signal(.write) }
      signalled += 1
    }
    return signalled
  }

  func wake() {
    guard !hasRung.exchange(true, ordering: .sequentiallyConsistent) else { return }
    var ring: UInt8 = 1
    _ = ringing.use { write($0, &ring, 1) }
  }

  func closeSockets() {
    let sockets = watched.withLock { watched in watched.values.map(\.socket) }
    for socket in sockets { socket.close() }
  }
}

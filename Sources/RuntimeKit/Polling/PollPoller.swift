import Glibc
import Runtime
import RuntimePrimitives
import Synchronization

/// A poller on poll(2), for systems without epoll and to test that nothing leans on epoll's ways.
///
/// poll(2) reports a state and not an edge, so a direction is asked about only while a task waits for it: `arm` asks,
/// and the first report disarms.
final class PollPoller: Poller {
  private let watched = Lock<[Int32: Entry]>([:])
  /// A pipe whose only use is to end a wait.
  private let hearing: OpenDescriptor
  private let ringing: OpenDescriptor
  /// Whether the alarm has been rung and not been heard, so that many wakes cost one write.
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
    // A poll that is under way would go on watching the number, which may soon be another file's.
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
      // After the pipe is emptied: whoever rings in between finds it ringing and writes nothing, but what that one has
      // to tell is there to be seen by all that follows this.
      hasRung.store(false, ordering: .sequentiallyConsistent)
    }
    var signalled = 0
    for answer in asked.dropFirst() where answer.revents != 0 {
      let broken = answer.revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0
      let told = broken ? Int16(POLLIN | POLLOUT) : answer.revents
      // By number, and possibly a newer socket's number by now: then it is told to look for itself, which is harmless.
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

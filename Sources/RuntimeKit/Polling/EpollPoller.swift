import Runtime
import RuntimePrimitives

#if os(Linux)
  import CRuntime
  import Glibc
  import Synchronization

  /// A poller on epoll. Each socket is registered once, edge-triggered, for both directions.
  final class EpollPoller: Poller {
    private let epoll: OpenDescriptor
    /// An eventfd that ends a wait.
    private let wakeDescriptor: OpenDescriptor
    private let watched = Lock(Watched())
    /// Whether `watched.retired` may be nonempty, so that a poll can skip the lock.
    private let hasRetired = Atomic(false)
    /// Unchecked: only the polling thread accesses it.
    private nonisolated(unsafe) let events: UnsafeMutableBufferPointer<epoll_event>

    private struct Watched {
      /// The watched sockets by descriptor. An event contains the unretained address of its socket, so this keeps
      /// sockets alive.
      var sockets: [Int32: Socket] = [:]
      /// Removed sockets that events fetched earlier may still refer to. They are released before the next fetch.
      var retired: [Socket] = []
    }

    /// The number of retired sockets at which a waiting poller is woken to release them.
    private static let retiredBound = 64
    /// The number of events fetched at a time. Further events are fetched by the next call.
    private static let batchSize = 256

    init() throws(IOError) {
      let epoll = OpenDescriptor(epoll_create1(Int32(EPOLL_CLOEXEC)))
      guard epoll.number >= 0 else { throw IOError(.poll, .system(errno)) }
      let wakeDescriptor = OpenDescriptor(eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)))
      guard wakeDescriptor.number >= 0 else { throw IOError(.poll, .system(errno)) }
      // A null pointer identifies the wake descriptor, since no socket has address 0.
      var event = epoll_event(events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data_t(u64: 0))
      guard epoll_ctl(epoll.number, EPOLL_CTL_ADD, wakeDescriptor.number, &event) == 0 else {
        throw IOError(.poll, .system(errno))
      }
      self.epoll = epoll
      self.wakeDescriptor = wakeDescriptor
      events = .allocate(capacity: Self.batchSize)
    }

    deinit {
      events.deallocate()
    }

    func close() {
      epoll.close()
      wakeDescriptor.close()
      // Each retired socket holds a reference to this poller. No thread fetches events for them any more.
      watched.withLock { $0.retired = [] }
    }

    func add(_ socket: Socket) throws(IOError) {
      let number = socket.number
      watched.withLock { $0.sockets[number] = socket }
      let address = UInt64(UInt(bitPattern: Unmanaged.passUnretained(socket).toOpaque()))
      let interest = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
      var event = epoll_event(events: interest, data: epoll_data_t(u64: address))
      let code = epoll.use { epoll_ctl($0, EPOLL_CTL_ADD, number, &event) == 0 ? 0 : errno } ?? EBADF
      guard code == 0 else {
        watched.withLock { _ = $0.sockets.removeValue(forKey: number) }
        throw IOError(.poll, .system(code))
      }
    }

    func remove(_ socket: Socket) {
      let number = socket.number
      var event = epoll_event()
      _ = epoll.use { epoll_ctl($0, EPOLL_CTL_DEL, number, &event) }
      let tooMany = watched.withLock { watched in
        guard let socket = watched.sockets.removeValue(forKey: number) else { return false }
        watched.retired.append(socket)
        hasRetired.store(true, ordering: .relaxed)
        return watched.retired.count == Self.retiredBound
      }
      if tooMany { wake() }
    }

    func arm(_ socket: Socket, _ interest: Interest) {}

    @discardableResult
    func poll(timeout: Int64?) -> Int {
      // Relaxed: a socket whose retirement is missed here is released by the next poll.
      if hasRetired.load(ordering: .relaxed) {
        let retired = watched.withLock { watched in
          hasRetired.store(false, ordering: .relaxed)
          return exchange(&watched.retired, with: [])
        }
        _ = consume retired
      }
      let count =
        epoll.use { Int(epoll_wait($0, events.baseAddress, Int32(events.count), milliseconds(timeout))) } ?? 0
      guard count > 0 else { return 0 }
      for event in events[..<count] {
        guard let address = UnsafeRawPointer(bitPattern: UInt(event.data.u64)) else {
          var counter: UInt64 = 0
          _ = wakeDescriptor.use { read($0, &counter, 8) }
          continue
        }
        // The socket is alive: `watched` holds it, or held it when these events were fetched and has not released it
        // since.
        Unmanaged<Socket>.fromOpaque(address)._withUnsafeGuaranteedRef { socket in
          let kinds = event.events
          let ended = kinds & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
          if ended || kinds & EPOLLIN.rawValue != 0 { socket.signal(.read, isFinal: ended) }
          let broken = kinds & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
          if broken || kinds & EPOLLOUT.rawValue != 0 { socket.signal(.write, isFinal: broken) }
        }
      }
      return count
    }

    func wake() {
      var increment: UInt64 = 1
      _ = wakeDescriptor.use { write($0, &increment, 8) }
    }

    func closeSockets() {
      let sockets = watched.withLock { Array($0.sockets.values) }
      for socket in sockets { socket.close() }
    }
  }
#endif

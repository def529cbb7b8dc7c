import Runtime
import RuntimePrimitives

#if os(Linux)
  import CRuntime
  import Glibc
  import Synchronization

  /// A poller on epoll: each socket is registered once, edge-triggered, in both directions.
  final class EpollPoller: Poller {
    private let epoll: OpenDescriptor
    /// An eventfd whose only use is to end a wait.
    private let alarm: OpenDescriptor
    private let watched = Lock(Watched())
    /// Whether `watched.retired` may hold something, so that a poll need not take the lock to know.
    private let hasRetired = Atomic(false)
    /// Unchecked: only the one thread that polls touches it.
    private nonisolated(unsafe) let events: UnsafeMutableBufferPointer<epoll_event>

    private struct Watched {
      /// By descriptor. An event carries a socket's bare address, so this is what keeps the socket alive.
      var sockets: [Int32: Socket] = [:]
      /// No longer watched, but events that were fetched before may still name them: let go before the next fetch.
      var retired: [Socket] = []
    }

    /// How many retired sockets a sleeping poller may be left with before it is woken to let them go.
    private static let retiredBound = 64
    /// How many events are fetched at once; what does not fit comes with the next call.
    private static let batch = 256

    init() throws(IOError) {
      let epoll = OpenDescriptor(epoll_create1(Int32(EPOLL_CLOEXEC)))
      guard epoll.number >= 0 else { throw IOError(.poll, .system(errno)) }
      let alarm = OpenDescriptor(eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC)))
      guard alarm.number >= 0 else { throw IOError(.poll, .system(errno)) }
      // A null pointer stands for the alarm, as no socket lies at address 0.
      var event = epoll_event(events: EPOLLIN.rawValue | EPOLLET.rawValue, data: epoll_data_t(u64: 0))
      guard epoll_ctl(epoll.number, EPOLL_CTL_ADD, alarm.number, &event) == 0 else {
        throw IOError(.poll, .system(errno))
      }
      self.epoll = epoll
      self.alarm = alarm
      events = .allocate(capacity: Self.batch)
    }

    deinit {
      events.deallocate()
    }

    func close() {
      epoll.close()
      alarm.close()
      // Each holds this poller in its turn. Nobody fetches events any more that could name one.
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
      // Relaxed: a retirement that is missed here is seen the next time round.
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
          var rings: UInt64 = 0
          _ = alarm.use { read($0, &rings, 8) }
          continue
        }
        // Alive: `watched` holds it, or held it when these events were fetched and has not let it go since.
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
      var ring: UInt64 = 1
      _ = alarm.use { write($0, &ring, 8) }
    }

    func closeSockets() {
      let sockets = watched.withLock { Array($0.sockets.values) }
      for socket in sockets { socket.close() }
    }
  }
#endif

import Glibc
import Runtime
import Synchronization

/// An open socket of the loop.
struct OpenSocket {
  let descriptor: Int32
  /// The name that it has in the file system while it is open.
  var name: SocketName?

  /// Called after the socket has been removed from the loop.
  func close() {
    name?.remove()
    Glibc.close(descriptor)
  }
}

/// A socket that a loop watches, identified by its number there. It closes when its last reference is released.
final class Socket: Sendable {
  private let loop: RunLoop
  private let number: Int
  private let operations = Atomic(0)
  private let isPausing = Atomic(false)

  /// A new socket of `family`.
  convenience init(
    _ family: Int32, _ kind: Int32 = streamSocket, on loop: RunLoop, for operation: IOError.Operation
  ) throws(IOError) {
    let descriptor = socket(family, kind, 0)
    guard descriptor >= 0 else { throw IOError(.socket, .system(errno)) }
    try self.init(taking: descriptor, on: loop, for: operation)
  }

  /// Takes ownership of `descriptor`, and closes it if the loop is shutting down.
  init(taking descriptor: Int32, on loop: RunLoop, for operation: IOError.Operation) throws(IOError) {
    let number: Int? = loop.state.withLock { state in
      guard !state.ending.hasBegun else { return nil }
      let number = state.nextNumber()
      state.sockets[number] = OpenSocket(descriptor: descriptor)
      return number
    }
    guard let number else {
      Glibc.close(descriptor)
      throw IOError(operation, .closed)
    }
    self.loop = loop
    self.number = number
  }

  deinit { close() }

  /// Makes a system call under the lock, so that no other thread closes the descriptor and its number becomes another
  /// file's.
  ///
  /// - Returns: the call's result; `nil` if it would have to wait (`EAGAIN`).
  func call(_ operation: IOError.Operation, _ call: (Int32) -> Int) throws(IOError) -> Int? {
    try loop.state.withLock { state throws(IOError) in
      guard let socket = state.sockets[number] else { throw IOError(operation, .closed) }
      while true {
        let result = call(socket.descriptor)
        if result >= 0 { return result }
        switch errno {
        case EINTR: continue
        case EAGAIN: return nil
        case let code: throw IOError(operation, .system(code))
        }
      }
    }
  }

  /// Waits until the socket is ready for another attempt.
  func wait(for event: (Int) -> Event, _ operation: IOError.Operation) async throws(IOError) {
    if let reason = await loop.wait(for: event(number)) { throw IOError(operation, reason) }
  }

  /// Waits for `duration`, when no descriptor tells when to try again.
  func pause(for duration: Duration, _ operation: IOError.Operation) async throws(IOError) {
    if isPausing.exchange(true, ordering: .relaxed) { throw IOError(operation, .busy) }
    defer { isPausing.store(false, ordering: .relaxed) }
    if let reason = await loop.wait(until: .now + duration) { throw IOError(operation, reason) }
  }

  /// Called before each operation: yields now and then, since a task whose operations never wait would not suspend.
  func giveWay() async {
    if operations.wrappingAdd(1, ordering: .relaxed).newValue % 32 == 0 { await Task.yield() }
  }

  func close() {
    let socket = loop.state.withLock { state in
      // A poll under way holds the file open, and the peer would not hear of it.
      state.ring()
      return state.sockets.removeValue(forKey: number)
    }
    socket?.close()
    loop.end([.readable(number), .writable(number)], because: .closed)
  }

  /// Turns on an option that is a flag. It does nothing if the socket has no such option.
  func turnOn(_ option: Int32, _ level: Int32) { set(option, level, to: Int32(1)) }

  /// Sets an option. It does nothing if the socket has no such option.
  func set<Value: BitwiseCopyable>(_ option: Int32, _ level: Int32, to value: Value) {
    _ = try? call(.socket) { number in
      withUnsafePointer(to: value) { Int(setsockopt(number, level, option, $0, socklen_t(MemoryLayout<Value>.size))) }
    }
  }

  /// Sets `options`, except for keep-alive.
  func apply(_ options: TCPOptions) {
    if options.noDelay { turnOn(TCP_NODELAY, Int32(IPPROTO_TCP)) }
    if options.resetsOnClose { set(SO_LINGER, SOL_SOCKET, to: linger(l_onoff: 1, l_linger: 0)) }
  }

  /// Binds it to `address`. A name in the file system is removed when it is closed.
  func bind(to address: SocketAddress, replacesAbandoned: Bool) throws(IOError) {
    guard case .unix(let path) = address, let first = path.utf8.first, first != 0 else {
      _ = try call(.bind) { number in Int(address.withSystemAddress { Glibc.bind(number, $0, $1) }) }
      return
    }
    try loop.state.withLock { state throws(IOError) in
      guard let descriptor = state.sockets[number]?.descriptor else { throw IOError(.bind, .closed) }
      state.sockets[number]?.name = try SocketName(path, of: descriptor, replacesAbandoned: replacesAbandoned)
    }
  }

  var localAddress: SocketAddress? { address(getsockname) }
  var peerAddress: SocketAddress? { address(getpeername) }

  private func address(
    _ call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
  ) -> SocketAddress? {
    loop.state.withLock { state in
      state.sockets[number].flatMap { socket in SocketAddress(writtenBy: { call(socket.descriptor, $0, $1) }) }
    }
  }
}

import Glibc
package import Runtime
import Synchronization

/// Listening, connecting and binding with system sockets. Only the poller differs between backends.
package final class SocketNetwork: Sendable {
  /// Returns the poller for the next socket.
  private let poller: @Sendable () -> any Poller
  private let clock: TimerClock
  private let isClosed = Atomic(false)

  /// Creates a network. `poller` returns the poller of each socket. Waits that no descriptor can end sleep on `clock`.
  package init(poller: @escaping @Sendable () -> any Poller, clock: TimerClock) {
    self.poller = poller
    self.clock = clock
  }

  package func listen(on address: SocketAddress, _ options: ListenOptions) throws(IOError) -> SocketListener {
    try checkOpen(.listen)
    return try listen(on: ListeningSocket(on: address, options: options), options)
  }

  package func listen(onInherited socket: InheritedSocket, _ options: ListenOptions) throws(IOError) -> SocketListener {
    try checkOpen(.listen)
    return try listen(on: ListeningSocket(inherited: socket), options, isInherited: true)
  }

  private func listen(
    on socket: ListeningSocket, _ options: ListenOptions, isInherited: Bool = false
  ) throws(IOError) -> SocketListener {
    let watched = try watch(socket.descriptor, named: socket.name, .listen)
    return SocketListener(
      watched, address: socket.localAddress, network: self, options: options, isInherited: isInherited)
  }

  package func bindDatagrams(on address: SocketAddress, _ options: DatagramOptions) throws(IOError) -> SocketDatagrams {
    try checkOpen(.bind)
    let (descriptor, name) = try boundDescriptor(address, options)
    let socket = try watch(descriptor, named: name, canEnd: false, .bind)
    return SocketDatagrams(socket, address: address, network: self)
  }

  package func connect(to address: SocketAddress, _ options: ConnectOptions) async throws(IOError) -> SocketStream {
    try checkOpen(.connect)
    try address.checkPath(.connect)
    let descriptor = try streamDescriptor(address.family)
    do throws(IOError) {
      try await beginConnecting(descriptor, to: address)
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    // Watched only now: epoll reports a hang-up for a socket that has not begun to connect.
    let socket = try watch(descriptor, .connect)
    do throws(IOError) {
      // Checked before the wait, since the edge may already have arrived.
      while try !isConnected(socket) { try await socket.wait(for: .write, .connect) }
    } catch {
      socket.close()
      throw error
    }
    options.tcp.apply(to: descriptor)
    return SocketStream(socket)
  }

  /// Begins to connect `descriptor` to `address`. The connection may still be in progress on return.
  private func beginConnecting(_ descriptor: Int32, to address: SocketAddress) async throws(IOError) {
    while address.withSystemAddress({ Glibc.connect(descriptor, $0, $1) }) != 0 {
      switch errno {
      case EINPROGRESS, EINTR, EISCONN: return
      // The backlog of a Unix-domain listener is full. No edge signals when there is room.
      case EAGAIN: try await pause(.milliseconds(2), .connect)
      case let code: throw IOError(.connect, .system(code))
      }
    }
  }

  /// Whether the connection is established. Throws if it was refused.
  private func isConnected(_ socket: Socket) throws(IOError) -> Bool {
    socket.writing.clear()
    var failure: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    _ = try socket.call(.connect) { Int(getsockopt($0, SOL_SOCKET, SO_ERROR, &failure, &length)) }
    guard failure == 0 else { throw IOError(.connect, .system(failure)) }
    // Without an error and without a peer, the connection is still in progress.
    guard socket.peerAddress != nil else { return false }
    socket.writing.signal()
    return true
  }

  /// Creates a stream from an accepted connection's descriptor.
  func adopt(_ descriptor: Int32, _ options: TCPOptions) throws(IOError) -> SocketStream {
    options.apply(to: descriptor)
    return try SocketStream(watch(descriptor, .accept))
  }

  /// Creates a stream from a connected socket of another origin. Takes ownership of the descriptor, even if it fails.
  func adopt(_ descriptor: Int32, _ options: ConnectOptions) throws(IOError) -> SocketStream {
    do throws(IOError) {
      try checkOpen(.connect)
      var (address, length) = (sockaddr_storage(), socklen_t(MemoryLayout<sockaddr_storage>.size))
      let isConnected = withUnsafeMutableBytes(of: &address) { bytes in
        bytes.withMemoryRebound(to: sockaddr.self) { getpeername(descriptor, $0.baseAddress, &length) == 0 }
      }
      guard isConnected, fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0,
        fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0
      else { throw IOError(.connect, .system(errno)) }
    } catch {
      Glibc.close(descriptor)
      throw error
    }
    options.tcp.apply(to: descriptor)
    return try SocketStream(watch(descriptor, .connect))
  }

  private func watch(
    _ descriptor: Int32, named name: SocketName? = nil, canEnd: Bool = true, _ operation: IOError.Operation
  ) throws(IOError) -> Socket {
    let socket: Socket
    do throws(IOError) {
      socket = try Socket(descriptor, named: name, canEnd: canEnd, poller: poller())
    } catch {
      try checkOpen(operation)  // A shutdown may have closed the poller meanwhile.
      throw error
    }
    // After it is watched, so that a shutdown either finds the socket or is noticed here.
    if isClosed.load(ordering: .sequentiallyConsistent) {
      socket.close()
      throw IOError(operation, .closed)
    }
    return socket
  }

  /// Waits for `duration` in an operation that no descriptor can end.
  func pause(_ duration: Duration, _ operation: IOError.Operation) async throws(IOError) {
    do {
      try await clock.sleep(for: duration)
    } catch {
      throw IOError(operation, isClosed.load(ordering: .acquiring) ? .closed : .cancelled)
    }
    try checkOpen(operation)
  }

  private func checkOpen(_ operation: IOError.Operation) throws(IOError) {
    if isClosed.load(ordering: .sequentiallyConsistent) { throw IOError(operation, .closed) }
  }

  /// Prevents further listening, connecting and binding. The pollers close what is already open.
  package func close() {
    isClosed.store(true, ordering: .sequentiallyConsistent)
  }
}

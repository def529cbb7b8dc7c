import Glibc
public import Runtime

/// A listening socket.
public struct PollListener: StreamListener {
  public let localAddress: SocketAddress
  private let socket: Socket
  private let loop: RunLoop
  private let options: ListenOptions

  init(_ address: SocketAddress, _ options: ListenOptions, on loop: RunLoop) throws(IOError) {
    let socket = try Socket(address.family, on: loop, for: .listen)
    if options.reuseAddress { socket.turnOn(SO_REUSEADDR, SOL_SOCKET) }
    if options.reusePort { socket.turnOn(SO_REUSEPORT, SOL_SOCKET) }
    try socket.bind(to: address, replacingAbandoned: options.reuseAddress)
    _ = try socket.call(.listen) { Int(listen($0, options.backlog)) }
    localAddress = socket.localAddress ?? address
    self.options = options
    self.socket = socket
    self.loop = loop
  }

  public func accept() async throws(IOError) -> PollStream {
    await socket.giveWay()
    while true {
      do throws(IOError) {
        if let descriptor = try socket.call(.accept, { Int(acceptDescriptor($0)) }) {
          let connection = try Socket(taking: Int32(descriptor), on: loop, for: .accept)
          if options.noDelay { connection.turnOn(TCP_NODELAY, Int32(IPPROTO_TCP)) }
          return PollStream(connection)
        }
        try await socket.wait(for: Event.readable, .accept)
      } catch {
        switch error.errno {
        case ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH,
          EPERM:
          continue  // It befell that connection alone: accept(2) says to go on to the next.
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
          options.onShortage?(error)
          // The connection stays in the backlog, so that poll(2) would say at once that there is one.
          try await socket.pause(for: .milliseconds(20), .accept)
        default: throw error
        }
      }
    }
  }

  /// Stops listening, and takes a Unix-domain socket's name out of the file system.
  public func close() { socket.close() }
}

extension Socket {
  fileprivate func bind(to address: SocketAddress, replacingAbandoned: Bool) throws(IOError) {
    func bind() throws(IOError) {
      _ = try call(.bind) { descriptor in Int(address.withSystemAddress { Glibc.bind(descriptor, $0, $1) }) }
    }
    guard case .unix(let path) = address else { return try bind() }
    do throws(IOError) {
      try bind()
    } catch {
      // A server that was killed leaves the name of its socket behind, and nobody who listens there.
      guard replacingAbandoned, error.errno == EADDRINUSE, isAbandoned(address), unlink(path) == 0 else { throw error }
      try bind()
    }
    removeWhenClosed(path)
  }
}

private func isAbandoned(_ address: SocketAddress) -> Bool {
  let probe = Glibc.socket(address.family, streamSocket, 0)
  defer { close(probe) }
  return address.withSystemAddress { connect(probe, $0, $1) } != 0 && errno == ECONNREFUSED
}

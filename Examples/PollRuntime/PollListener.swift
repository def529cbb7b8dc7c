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
    try socket.bind(to: address, replacesAbandoned: options.reuseAddress)
    _ = try socket.call(.listen) { Int(listen($0, options.backlog)) }
    localAddress = socket.localAddress ?? address
    self.options = options
    self.socket = socket
    self.loop = loop
  }

  /// Wraps a socket that another process has opened. That process owns its name in the file system.
  init(inherited: InheritedSocket, _ options: ListenOptions, on loop: RunLoop) throws(IOError) {
    socket = try Socket(taking: try inherited.takeDescriptor(), on: loop, for: .listen)
    guard let address = socket.localAddress else { throw IOError(.listen, .system(EAFNOSUPPORT)) }
    localAddress = address
    self.options = options
    self.loop = loop
  }

  public func accept() async throws(IOError) -> PollStream {
    await socket.giveWay()
    while true {
      do throws(IOError) {
        if let descriptor = try socket.call(.accept, { Int(acceptDescriptor($0)) }) {
          let connection = try Socket(taking: Int32(descriptor), on: loop, for: .accept)
          connection.apply(options.tcp)
          return PollStream(connection)
        }
        try await socket.wait(for: Event.readable, .accept)
      } catch {
        switch error.errno {
        case ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH,
          EPERM:
          continue  // Only that connection failed: accept(2) says to go on to the next.
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
          options.onShortage?(error)
          // The connection stays in the backlog, so poll(2) would return at once.
          try await socket.pause(for: .milliseconds(20), .accept)
        default: throw error
        }
      }
    }
  }

  /// Stops listening, and removes a Unix-domain socket's name from the file system.
  public func close() { socket.close() }

  public func closeAndWait() async {
    close()
    // A poll in progress keeps the file open, and with it the address. It has ended when the loop runs this.
    _ = await loop.wait(until: .now)
  }
}

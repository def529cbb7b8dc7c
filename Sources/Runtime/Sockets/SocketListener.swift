import Glibc

/// A listening TCP or Unix-domain socket: the listener of all three backends.
public final class SocketListener: StreamListener {
  /// The address it listens on, with the port that was chosen where port 0 was asked for.
  public let localAddress: SocketAddress
  private let socket: Socket
  private let network: Network
  private let options: ListenOptions

  init(_ socket: Socket, address: SocketAddress, network: Network, options: ListenOptions) {
    self.socket = socket
    self.localAddress = address
    self.network = network
    self.options = options
  }

  deinit {
    close()
  }

  /// How long to wait for somebody to give a descriptor back.
  private static let pause = Duration.milliseconds(20)

  public func accept() async throws(IOError) -> SocketStream {
    if !socket.takeTurn() { await socket.giveTurn() }
    while true {
      socket.reading.clear()
      let (descriptor, code) = try socket.call(.accept) { Int(acceptDescriptor($0)) }
      if descriptor >= 0 {
        socket.reading.signal()  // Another may be waiting behind this one, and brings no edge of its own.
        return try network.adopt(Int32(descriptor), noDelay: options.noDelay)
      }
      switch code {
      case EAGAIN:
        try await socket.wait(for: .read, .accept)
      case ECONNABORTED, EPROTO, ENETDOWN, ENOPROTOOPT, EHOSTDOWN, ENONET, EHOSTUNREACH, EOPNOTSUPP, ENETUNREACH, EPERM:
        socket.reading.signal()  // It befell that connection alone: accept(2) says to go on to the next.
      case EMFILE, ENFILE, ENOBUFS, ENOMEM:
        // The connection stays in the backlog, and no edge will tell when there is room for it.
        socket.reading.signal()
        options.onShortage?(IOError(.accept, .system(code)))
        try await network.pause(Self.pause, .accept)
      default:
        socket.reading.signal()
        throw IOError(.accept, .system(code))
      }
    }
  }

  /// Stops listening, and takes a Unix-domain socket's name out of the file system, unless another file has it by now.
  public func close() {
    socket.close()
  }
}

/// A network for datagrams: a runtime's sockets, or another implementation such as a simulated network.
public protocol DatagramNetwork: Sendable {
  /// The socket type that ``bindDatagrams(on:options:)`` returns.
  associatedtype Datagrams: DatagramSocket

  /// Creates a socket that receives datagrams sent to `address`.
  ///
  /// The system chooses a port if the port is 0, and an abstract name if `address` is a Unix-domain address with an
  /// empty path. The socket owns its name in the file system until it is closed, as a listener does.
  func bindDatagrams(on address: SocketAddress, options: DatagramOptions) async throws(IOError) -> Datagrams
}

extension DatagramNetwork {
  /// Creates a socket that receives datagrams sent to `address`, with the default options.
  public func bindDatagrams(on address: SocketAddress) async throws(IOError) -> Datagrams {
    try await bindDatagrams(on: address, options: DatagramOptions())
  }

  /// Creates a socket that is connected to `peer`. The system chooses the local address.
  public func connectDatagrams(
    to peer: SocketAddress, options: DatagramOptions = DatagramOptions()
  ) async throws(IOError) -> Datagrams {
    let socket = try await bindDatagrams(on: peer.unspecified, options: options)
    do throws(IOError) {
      try socket.connect(to: peer)
    } catch {
      await socket.closeAndWait()
      throw error
    }
    return socket
  }
}

extension SocketAddress {
  /// The wildcard address of the same family, which leaves the choice to the system.
  fileprivate var unspecified: SocketAddress {
    switch self {
    case .ipv4: .ipv4(.any, port: 0)
    case .ipv6: .ipv6(.any, port: 0)
    case .unix: .unix(path: "")
    }
  }
}

/// A place to send and receive datagrams in: a runtime's sockets, or a network of another kind.
public protocol DatagramNetwork: Sendable {
  /// What ``bindDatagrams(on:options:)`` gives.
  associatedtype Datagrams: DatagramSocket

  /// Makes a socket that receives what is sent to `address`.
  ///
  /// The system chooses the port if that is 0, and an abstract name if `address` is a Unix-domain path without a character.
  /// A name in the file system is the socket's until it is closed, as a listener's is.
  func bindDatagrams(on address: SocketAddress, options: DatagramOptions) async throws(IOError) -> Datagrams
}

extension DatagramNetwork {
  /// Makes a socket that receives what is sent to `address`, with the usual options.
  public func bindDatagrams(on address: SocketAddress) async throws(IOError) -> Datagrams {
    try await bindDatagrams(on: address, options: DatagramOptions())
  }

  /// Makes a socket that is connected to `peer`, at an address of the system's choice.
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
  /// An address of the same family that leaves all else to the system.
  fileprivate var unspecified: SocketAddress {
    switch self {
    case .ipv4: .ipv4(.any, port: 0)
    case .ipv6: .ipv6(.any, port: 0)
    case .unix: .unix(path: "")
    }
  }
}

import Glibc

/// A network of byte streams: a runtime's sockets, or another implementation such as a simulated network.
public protocol Network: Sendable {
  /// The listener type that ``listen(on:options:)`` returns. Its `Stream` is the type that ``connect(to:options:)``
  /// returns.
  associatedtype Listener: StreamListener

  /// Listens for connections on `address`. With port 0 the system chooses a port.
  func listen(on address: SocketAddress, options: ListenOptions) async throws(IOError) -> Listener

  /// Listens for connections on a socket that another process has opened. It takes ownership of the socket, even if it
  /// fails.
  ///
  /// Closing the listener closes this process's descriptor of the socket. The name of a Unix-domain socket remains,
  /// because it belongs to the process that created it. Options that apply before a socket is bound have no effect.
  ///
  /// The default fails with `EOPNOTSUPP`, which is right for a network without descriptors.
  func listen(onInherited socket: InheritedSocket, options: ListenOptions) async throws(IOError) -> Listener

  /// Connects to a listener at `address`. Cancelling the task ends the attempt.
  func connect(to address: SocketAddress, options: ConnectOptions) async throws(IOError) -> Listener.Stream
}

extension Network {
  public func listen(
    onInherited socket: InheritedSocket, options: ListenOptions
  ) async throws(IOError) -> Listener {
    throw IOError(.listen, .system(EOPNOTSUPP))
  }

  /// Listens for connections on a socket that another process has opened, with the default options.
  public func listen(onInherited socket: InheritedSocket) async throws(IOError) -> Listener {
    try await listen(onInherited: socket, options: ListenOptions())
  }

  /// Listens for connections on `address` with the default options.
  public func listen(on address: SocketAddress) async throws(IOError) -> Listener {
    try await listen(on: address, options: ListenOptions())
  }

  /// Connects to a listener at `address` with the default options.
  public func connect(to address: SocketAddress) async throws(IOError) -> Listener.Stream {
    try await connect(to: address, options: ConnectOptions())
  }
}

import Glibc

/// A place to listen and to connect in: a runtime's sockets, or a network of another kind.
public protocol Network: Sendable {
  /// What ``listen(on:options:)`` gives; its `Stream` is what ``connect(to:options:)`` gives.
  associatedtype Listener: StreamListener

  /// Listens for connections on `address`; port 0 lets the system choose one.
  func listen(on address: SocketAddress, options: ListenOptions) async throws(IOError) -> Listener

  /// Listens for connections on a socket that another process has opened. It takes the socket over, also where it fails.
  ///
  /// Closing the listener closes this process's descriptor of the socket, and leaves a Unix-domain socket's name to the
  /// process that gave it. Of the options, those that are set before a socket is bound have no effect.
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

  /// Listens for connections on a socket that another process has opened, with the usual options.
  public func listen(onInherited socket: InheritedSocket) async throws(IOError) -> Listener {
    try await listen(onInherited: socket, options: ListenOptions())
  }

  /// Listens for connections on `address` with the usual options.
  public func listen(on address: SocketAddress) async throws(IOError) -> Listener {
    try await listen(on: address, options: ListenOptions())
  }

  /// Connects to a listener at `address` with the usual options.
  public func connect(to address: SocketAddress) async throws(IOError) -> Listener.Stream {
    try await connect(to: address, options: ConnectOptions())
  }
}

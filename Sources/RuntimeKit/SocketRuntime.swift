public import Runtime

/// A runtime built on ``RuntimeServices``, which implement its tasks, sockets and blocking work.
///
/// The backend itself provides its executor, its clock, its metrics and its shutdown.
public protocol SocketRuntime: AsyncRuntime {
  /// The shared services. They are for the backend itself; programs use the runtime.
  var services: RuntimeServices { get }
}

extension SocketRuntime {
  @discardableResult
  @inlinable
  public func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    services.spawn(on: taskExecutor, options, operation)
  }

  public func listen(on address: SocketAddress, options: ListenOptions) async throws(IOError) -> SocketListener {
    try services.listen(on: address, options: options)
  }

  public func listen(
    onInherited socket: InheritedSocket, options: ListenOptions
  ) async throws(IOError) -> SocketListener {
    try services.listen(onInherited: socket, options: options)
  }

  public func connect(to address: SocketAddress, options: ConnectOptions) async throws(IOError) -> SocketStream {
    try await services.connect(to: address, options: options)
  }

  /// Creates a stream from a connected socket that another part of the program, or another process, has opened, such as
  /// the standard input of a program started by inetd.
  ///
  /// It takes ownership of the descriptor, even if it fails. The descriptor becomes non-blocking, for every process
  /// that shares it, and close-on-exec.
  ///
  /// - Throws: the system's error if it is not a socket (`ENOTSOCK`) or not connected (`ENOTCONN`); `closed` if the
  ///   runtime has been shut down.
  public func adopt(_ descriptor: Int32, options: ConnectOptions = ConnectOptions()) throws(IOError) -> SocketStream {
    try services.adopt(descriptor, options: options)
  }

  public func bindDatagrams(
    on address: SocketAddress, options: DatagramOptions
  ) async throws(IOError) -> SocketDatagrams {
    try services.bindDatagrams(on: address, options: options)
  }

  @inlinable
  public func runBlocking<Success: Sendable>(
    _ work: sending @escaping () throws -> Success
  ) async throws -> Success {
    try await services.runBlocking(work)
  }
}

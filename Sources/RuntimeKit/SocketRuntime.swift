public import Runtime

/// A runtime on ``RuntimeServices``: the tasks, the sockets and the blocking work that `AsyncRuntime` asks for are theirs.
///
/// What is left to a backend is where its jobs run, its clock, its figures and its end.
public protocol SocketRuntime: AsyncRuntime {
  /// What the runtime does alike with others. It is for the backend itself; a program calls the runtime.
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

  /// Makes a stream of a connected socket that another part of the program, or another process, has opened: standard input
  /// where inetd has started the program.
  ///
  /// It takes the descriptor over, also where it fails: non-blocking from now on, for every process that has it, and closed
  /// on exec.
  ///
  /// - Throws: what the system says if it is no socket (`ENOTSOCK`), or not connected (`ENOTCONN`); `closed` if the runtime is
  ///   shut down.
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

public import Runtime
public import RuntimeKit

/// A backend in one thread, an event loop, made of what `RuntimeKit` has.
public final class EventLoopRuntime: AsyncRuntime {
  public let name = "event-loop"
  public let workerCount = 1
  public let clock: TimerClock
  private let loop: EventLoop
  private let services: RuntimeServices

  public init() throws(IOError) {
    let loop = try EventLoop()
    self.loop = loop
    clock = TimerClock { loop.sleeps }
    services = RuntimeServices(clock: clock) { loop.poller }
  }

  public var taskExecutor: (any TaskExecutor)? { loop }
  public var metrics: RuntimeMetrics { services.metrics() }

  @discardableResult
  public func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    services.spawn(on: loop, options, operation)
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

  public func bindDatagrams(
    on address: SocketAddress, options: DatagramOptions
  ) async throws(IOError) -> SocketDatagrams {
    try services.bindDatagrams(on: address, options: options)
  }

  public func runBlocking<Success: Sendable>(_ work: sending @escaping () throws -> Success) async throws -> Success {
    try await services.runBlocking(work)
  }

  public func shutdown(grace: Duration) async {
    await services.shutdown(grace: grace) { [loop] in
      loop.poller.closeSockets()
      loop.sleeps.close()
    } stop: { [loop] deadline in
      loop.stop(deadline: deadline)
    }
  }
}

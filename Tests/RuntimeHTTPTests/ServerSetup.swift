import Runtime
import RuntimeTestSupport
import RuntimeTesting

@testable import RuntimeHTTP

typealias TestServer = Server<ManualTimeRuntime, HandlerFunction>

/// A runtime of one backend that uses the test's clock, for tests of a server.
struct ServerSetup: Sendable {
  let runtime: ManualTimeRuntime
  var clock: ManualClock { runtime.clock }

  func server(
    _ options: ServerOptions = .quiet, _ handler: @escaping @Sendable (Request) async throws -> Response
  ) async throws -> TestServer {
    try await Server(runtime: runtime, address: .loopback(port: 0), options: options, handler: HandlerFunction(handler))
  }

  func client(of server: TestServer) async throws -> HTTPTestClient<AnyStream> {
    HTTPTestClient(try await runtime.connect(to: server.localAddress))
  }

  /// Runs a server while `body` uses it, and shuts it down.
  func serving(
    options: ServerOptions = .quiet, _ handler: @escaping @Sendable (Request) async throws -> Response,
    _ body: (TestServer) async throws -> Void
  ) async throws {
    let server = try await server(options, handler)
    let running = runtime.spawn { try await server.run() }
    do { try await body(server) } catch {
      await server.shutdown(grace: .zero)
      throw error
    }
    await clock.flying { await server.shutdown(grace: .seconds(1)) }
    try await running.value
  }
}

/// Calls `body` with a runtime of `backend`, and shuts the runtime down.
func withSetup(on backend: Backend, _ body: (ServerSetup) async throws -> Void) async throws {
  try await backend.withRuntime { runtime in
    try await body(ServerSetup(runtime: ManualTimeRuntime(base: runtime, clock: ManualClock())))
  }
}

/// A runtime of any backend with a clock that the test controls.
struct ManualTimeRuntime: AsyncRuntime {
  let base: any AsyncRuntime
  let clock: ManualClock

  var name: String { base.name }
  var workerCount: Int { base.workerCount }
  var metrics: RuntimeMetrics { base.metrics }
  var taskExecutor: (any TaskExecutor)? { base.taskExecutor }

  @discardableResult
  func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> { base.spawn(options, operation) }

  func listen(on address: SocketAddress, options: ListenOptions) async throws(IOError) -> AnyListener {
    func listen(_ runtime: some AsyncRuntime) async throws(IOError) -> AnyListener {
      AnyListener(try await runtime.listen(on: address, options: options))
    }
    return try await listen(base)
  }

  func connect(to address: SocketAddress, options: ConnectOptions) async throws(IOError) -> AnyStream {
    func connect(_ runtime: some AsyncRuntime) async throws(IOError) -> AnyStream {
      AnyStream(try await runtime.connect(to: address, options: options))
    }
    return try await connect(base)
  }

  func bindDatagrams(on address: SocketAddress, options: DatagramOptions) async throws(IOError) -> AnyDatagrams {
    func bind(_ runtime: some AsyncRuntime) async throws(IOError) -> AnyDatagrams {
      AnyDatagrams(try await runtime.bindDatagrams(on: address, options: options))
    }
    return try await bind(base)
  }

  func runBlocking<Success: Sendable>(_ work: sending @escaping () throws -> Success) async throws -> Success {
    try await base.runBlocking(work)
  }

  func shutdown(grace: Duration) async { await base.shutdown(grace: grace) }
}

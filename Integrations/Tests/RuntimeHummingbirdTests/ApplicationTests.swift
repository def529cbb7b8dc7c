import Hummingbird
import IntegrationTestSupport
import NIOCore
import Runtime
import RuntimeHummingbird
import RuntimeSelection
import ServiceLifecycle
import Testing

/// Whole applications, with their services.
@Suite(.timeLimit(.minutes(2))) struct ApplicationTests {
  /// Runs an application as one service of several, as a program with several servers does.
  private struct Nested<App: ApplicationProtocol>: Service {
    let application: App
    let runtime: any AsyncRuntime

    func run() async throws {
      func run(_ runtime: some AsyncRuntime) async throws {
        try await application.runService(on: runtime, address: .loopback(port: 0), gracefulShutdownSignals: [])
      }
      try await run(runtime)
    }
  }

  private struct OtherService: Service {
    let log: Recorder<String>

    func run() async throws {
      try await gracefulShutdown()
      log.note("the other service ends")
    }
  }

  @Test(arguments: RuntimeKind.allCases)
  func `an application runs with its services, and its routes learn of the shutdown`(_ kind: RuntimeKind) async throws {
    let log = Recorder<String>()
    let (addresses, tell) = AsyncStream<Runtime.SocketAddress>.makeStream()
    let router = Router()
    router.get("/") { _, _ in "\(Task.isShuttingDownGracefully)" }
    router.get("/wait") { _, _ in
      Response(
        status: .ok,
        body: ResponseBody { writer in
          try await writer.write(ByteBuffer(string: "begun"))
          try await gracefulShutdown()
          try await writer.write(ByteBuffer(string: ", and told: \(Task.isShuttingDownGracefully)"))
          try await writer.finish(nil)
        })
    }
    var application = Application(
      router: router, configuration: ApplicationConfiguration(serverName: "mine"), services: [OtherService(log: log)],
      onServerRunning: { channel in
        if let port = channel.localAddress?.port { tell.yield(.loopback(port: UInt16(port))) }
      })
    application.beforeServerStarts { log.note("before the start") }

    let runtime = try RuntimeSettings(kind: kind, workers: 2).makeRuntime()
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: [
          ServiceGroupConfiguration.ServiceConfiguration(
            service: Nested(application: application, runtime: runtime), successTerminationBehavior: .ignore)
        ], logger: application.logger))
    let running = Task { try await group.run() }
    let address = try #require(await addresses.first { _ in true })
    let server = TestServer(address: address, runtime: runtime)
    let answer = try await server.exchange("GET / HTTP/1.0\r\n\r\n")
    #expect(answer.contains("\r\nServer: mine\r\n") && answer.hasSuffix("\r\n\r\nfalse"))
    let client = try await server.connect()
    try await client.send("GET /wait HTTP/1.0\r\n\r\n")
    _ = try await client.read(until: "begun")
    await group.triggerGracefulShutdown()
    #expect(try await client.readToEnd() == ", and told: true")
    try await running.value
    #expect(log.events == ["before the start", "the other service ends"])
    await runtime.shutdown(grace: .seconds(5))
  }
}

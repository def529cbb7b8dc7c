import IntegrationTestSupport
import Logging
import Runtime
import RuntimeHTTP
import RuntimeSelection
import RuntimeServiceLifecycle
import ServiceLifecycle
import Testing

/// Servers and runtimes as services of a group.
@Suite(.timeLimit(.minutes(2))) struct LifecycleTests {
  private struct Noting: Service {
    let log: Recorder<String>

    func run() async throws {
      try? await gracefulShutdown()
      log.note("the other service ends")
    }
  }

  @Test(arguments: RuntimeKind.allCases)
  func `a server ends before the services before it, and its handlers learn of the shutdown`(
    _ kind: RuntimeKind
  ) async throws {
    let log = Recorder<String>()
    var options = ServerOptions()
    options.inheritsTaskLocals = true
    var router = Router()
    router.get("/") { _ async in
      Response(
        body: .stream { writer in
          try await writer.write(Array("begun".utf8))
          try await gracefulShutdown()
          log.note("the handler ends")
          try await writer.write(Array(", and told".utf8))
        })
    }
    func serve(_ runtime: some AsyncRuntime) async throws {
      let server = try await Server(runtime: runtime, address: .loopback(port: 0), options: options, handler: router)
      let services: [any Service] = [RuntimeService(runtime), Noting(log: log), ServerService(server, on: runtime)]
      let group = ServiceGroup(services: services, logger: Logger(label: "test"))
      let running = Task { try await group.run() }
      let client = try await TestServer(address: server.localAddress, runtime: clients).connect()
      try await client.send("GET / HTTP/1.0\r\n\r\n")
      _ = try await client.read(until: "begun")
      await group.triggerGracefulShutdown()
      #expect(try await client.readToEnd() == ", and told")
      try await running.value
      #expect(log.events == ["the handler ends", "the other service ends"])
      // The runtime has been shut down: a sleep on it fails.
      await #expect(throws: CancellationError.self) { try await runtime.clock.sleep(for: .seconds(600)) }
    }
    let clients = try RuntimeSettings(kind: .custom, workers: 1).makeRuntime()
    try await serve(try RuntimeSettings(kind: kind, workers: 2).makeRuntime())
    await clients.shutdown(grace: .seconds(5))
  }
}

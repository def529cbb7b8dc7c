import Runtime
import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

/// The reports of a runtime about stalls in a server's handlers.
@Suite(.timeLimit(.minutes(10))) struct StallReportTests {
  @Test(arguments: Backend.allCases, [false, true])
  func `the report of a stall names the route that caused it`(_ backend: Backend, waits: Bool) async throws {
    let activities = Recorder<String>()
    var stalls = StallOptions()
    stalls.threshold = .milliseconds(5)
    stalls.report = { stall in
      if let activity = stall.activity { activities.record(activity) }
    }
    try await backend.withRuntime(stalls: stalls) { runtime in
      // A stall that is still going on is reported after a second.
      try await serve(on: runtime, waits: waits) { !activities.elements.isEmpty }
    }
    // There may be more than one report if threads of the machine stand still.
    #expect(Set(activities.elements) == ["GET /items/:id"])
  }

  /// Serves a route that blocks its worker until `isReported` holds, and requests it.
  ///
  /// - Parameter waits: Whether the route's task suspends before it blocks.
  private func serve(
    on runtime: some AsyncRuntime, waits: Bool, until isReported: @escaping @Sendable () -> Bool
  ) async throws {
    @Sendable func stall() -> Response { .text(block(until: isReported) ? "done" : "not reported") }
    var router = Router()
    if waits {
      router.get("/items/:id") { (_: Request) async throws -> Response in
        await Task.yield()
        return stall()
      }
    } else {
      router.get("/items/:id") { _ in stall() }
    }
    let server = try await Server(runtime: runtime, address: .loopback(port: 0), options: .quiet, handler: router)
    let running = runtime.spawn { try await server.run() }
    let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
    #expect(try await client.get("/items/7").text == "done")
    await server.shutdown(grace: .zero)
    try await running.value
  }
}

import Glibc
import Runtime
import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

/// What a runtime's reports of stalls say about a server's handlers.
@Suite(.timeLimit(.minutes(10))) struct StallReportTests {
  @Test(arguments: Backend.allCases, [false, true])
  func `the report of a stall names the route that caused it`(_ backend: Backend, waits: Bool) async throws {
    let (reports, report) = AsyncStream<String>.makeStream()
    var stalls = StallOptions()
    stalls.threshold = .milliseconds(5)
    stalls.report = { stall in
      if let activity = stall.activity { report.yield(activity) }
    }
    try await backend.withRuntime(stalls: stalls) { runtime in
      try await serve(on: runtime, waits: waits) { path in
        var iterator = reports.makeAsyncIterator()
        #expect(path == "/items/7")
        #expect(await iterator.next() == "GET /items/:id")
      }
    }
  }

  /// Serves a route that blocks its worker until the runtime has counted a stall, asks for it, and calls `body`.
  ///
  /// - Parameter waits: whether the route's task suspends before it blocks.
  private func serve(
    on runtime: some AsyncRuntime, waits: Bool, _ body: (_ path: String) async throws -> Void
  ) async throws {
    var router = Router()
    if waits {
      router.get("/items/:id") { (request: Request) async throws -> Response in
        await Task.yield()
        return blockUntilStalled(runtime, request)
      }
    } else {
      router.get("/items/:id") { request in blockUntilStalled(runtime, request) }
    }
    let server = try Server(runtime: runtime, address: .loopback(port: 0), options: .quiet, handler: router)
    let running = runtime.spawn { try await server.run() }
    let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
    try await body(try await client.get("/items/7").text)
    await server.shutdown(grace: .zero)
    try await running.value
  }
}

private func blockUntilStalled(_ runtime: some AsyncRuntime, _ request: Request) -> Response {
  let before = runtime.metrics.stalls
  while runtime.metrics.stalls == before { usleep(500) }
  return .text(request.path)
}

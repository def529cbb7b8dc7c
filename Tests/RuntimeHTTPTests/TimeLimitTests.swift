import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

/// Handlers that take too long.
@Suite(.timeLimit(.minutes(10))) struct TimeLimitTests {
  private static func router(_ clock: SimulatedClock) -> Router {
    @Sendable func wait(_ request: Request) async throws -> Response {
      try await clock.sleep(for: .seconds(10))
      return .text("done")
    }
    var router = Router()
    router.use(TimeLimit(.seconds(20), on: clock))
    router.get("/patient") { try await wait($0) }
    router.get("/limited", using: [TimeLimit(.seconds(1), on: clock)]) { try await wait($0) }
    router.get("/deaf", using: [TimeLimit(.seconds(1), on: clock)]) { _ in
      try? await clock.sleep(for: .seconds(10))
      return .text("cancelled: \(Task.isCancelled)")
    }
    router.get("/now", using: [TimeLimit(.zero, on: clock)]) { _ throws -> Response in .text("now") }
    return router
  }

  @Test func `a handler that takes too long is cancelled, and the client gets a 503 on a connection that persists`()
    async throws
  {
    try await inVirtualTime { clock in
      try await withConnection(over: .whole, clock: clock, handler: Self.router(clock)) { client in
        let patient = try await client.get("/patient")
        #expect(patient.text == "done")
        let begin = clock.now
        #expect(try await client.get("/limited").status == 503)
        #expect(begin.duration(to: clock.now) < .seconds(2))
        #expect(try await client.get("/deaf").text == "cancelled: true")
        #expect(try await client.get("/now").text == "now")
      }
    }
  }

  @Test func `a time limit over HTTP/2 delays no other request`() async throws {
    try await inVirtualTime { clock in
      try await withHTTP2(over: .whole, clock: clock, handler: Self.router(clock)) { client in
        let limited = try await client.send("GET", "/limited")
        let patient = try await client.send("GET", "/patient")
        #expect(try await client.readResponse(on: limited).status == 503)
        #expect(try await client.readResponse(on: patient).text == "done")
      }
    }
  }

  @Test func `middleware with a time limit keeps the plain call`() throws {
    var router = Router()
    router.use(TimeLimit(.seconds(1), on: ContinuousClock()))
    router.get("/now") { _ throws -> Response in .text("now") }
    #expect(try router.respondAtOnce(to: Request(target: "/now"))?.status == .ok)
  }
}

import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Clients that disconnect or end their requests' direction while a handler runs: which handlers are cancelled, and
/// when.
@Suite(.timeLimit(.minutes(10))) struct DepartureSimulationTests {
  /// How a client gives up its request.
  enum Departure: CaseIterable { case closing, finishing, closingHTTP2, reset }

  @Test(arguments: Departure.allCases)
  func `A handler is cancelled when its client has gone`(departure: Departure) async throws {
    try await serve { runtime, server, ends in
      let stream = try await runtime.connect(to: server.localAddress)
      switch departure {
      case .closing, .finishing:
        try await HTTPTestClient(stream).send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
        try await runtime.clock.sleep(for: .seconds(5))
        if departure == .closing { stream.close() } else { try stream.shutdownWrite() }
      case .closingHTTP2, .reset:
        let client = HTTP2TestClient(stream)
        try await client.start()
        _ = try await client.get("/quick")
        let request = try await client.send("GET", "/wait")
        try await runtime.clock.sleep(for: .seconds(5))
        if departure == .closingHTTP2 { stream.close() } else { try await client.reset(request) }
      }
      let start = runtime.clock.now
      while ends.elements.isEmpty, start.duration(to: runtime.clock.now) < .seconds(10) {
        try await runtime.clock.sleep(for: .milliseconds(10))
      }
      let elapsed = start.duration(to: runtime.clock.now)
      // Over HTTP/1 the server checks once a tick, which is a second.
      let latest: Duration = departure == .closing || departure == .finishing ? .milliseconds(2100) : .milliseconds(100)
      try expect(elapsed < latest, "the handler went on for \(elapsed)")
      stream.close()
    }
  }

  @Test(arguments: ["/large", "/stream"])
  func `A client that writes no more gets all of a response that it takes slowly`(path: String) async throws {
    try await serve { runtime, server, _ in
      let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
      try client.stream.shutdownWrite()
      var count = 0
      while true {
        try await runtime.clock.sleep(for: .seconds(5))
        let some = try await client.stream.read(upTo: 20_000)
        if some.isEmpty { break }
        count += some.count
      }
      try expect(count > Self.largeLength, "\(count) bytes came")
      client.stream.close()
    }
  }

  @Test func `A client of HTTP/1 that waits to be told to send its content is told`() async throws {
    try await serve { runtime, server, _ in
      let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      for framing in ["Content-Length: 2\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"] {
        try await client.send("POST /count HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\(framing)")
        let interim = try await client.readResponse(to: "POST")
        try expect(interim.status == 100, "the status was \(interim.status)")
        try await client.send(framing.hasPrefix("T") ? "2\r\nhi\r\n0\r\n\r\n" : "hi")
        try expect(try await client.readResponse(to: "POST").text == "2", "wrong response")
      }
      client.stream.close()
    }
  }

  private static let largeLength = 200_000

  /// - Parameter body: called with a record of when the handlers of `/wait` were cancelled.
  private func serve(
    _ body:
      @escaping @Sendable (
        SimulatedRuntime, Server<SimulatedRuntime, Router>, _ ends: Recorder<SimulatedClock.Instant>
      ) async throws -> Void
  ) async throws {
    try await simulate(seeds: Seeds.few, faults: .calm) { runtime in
      let host = runtime.host()
      let ends = Recorder<SimulatedClock.Instant>()
      let large = [UInt8](repeating: 7, count: Self.largeLength)
      var router = Router()
      router.get("/quick") { _ in .text("quick") }
      router.get("/wait") { _ in
        do {
          try await host.clock.sleep(for: .seconds(3600))
        } catch {
          ends.record(host.clock.now)
          throw error
        }
        return .text("too late")
      }
      router.get("/large") { _ in
        // Waits, so that the response does not come from a call that never suspends.
        try await host.clock.sleep(for: .milliseconds(1))
        return Response(body: .bytes(large))
      }
      router.get("/stream") { _ in streamed(large) }
      router.post("/count") { request in .text("\(try await request.body.collect(upTo: 1000).count)") }
      var options = ServerOptions()
      options.log = { _ in }
      try await serving(on: host, in: runtime, router, options) { server, _ in try await body(runtime, server, ends) }
    }
  }
}

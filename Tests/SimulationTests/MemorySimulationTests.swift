import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import Testing

/// A server that may hold very little memory for its clients.
struct MemorySimulationTests {
  @Test(arguments: [Scenario.Version.http1, .http2])
  func `A request is refused as long as a server holds all that it may`(version: Scenario.Version) async throws {
    try await simulate(seeds: Seeds.few, faults: .calm) { runtime in
      let host = runtime.host()
      var router = Router()
      let wait: @Sendable (Request) async throws -> Response = { _ in
        try await host.clock.sleep(for: .seconds(10))
        return .text("waited")
      }
      router.get("/", wait)
      var options = ServerOptions()
      options.maximumHeldLength = 1
      options.log = { _ in }
      try await serving(on: host, in: runtime, router, options) { server, _ in
        let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
        for _ in 0..<3 {
          try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
          try await runtime.clock.sleep(for: .seconds(1))
          try await Self.expectRefusal(version, runtime, server)
          try expect(try await client.readResponse().text == "waited", "what had begun was not answered")
        }
        client.stream.close()
      }
    }
  }

  private static func expectRefusal(
    _ version: Scenario.Version, _ runtime: SimulatedRuntime, _ server: Server<SimulatedRuntime, Router>
  ) async throws {
    let stream = try await runtime.connect(to: server.localAddress)
    if version == .http2 {
      let client = HTTP2TestClient(stream)
      try await client.start()
      let request = try await client.send("GET", "/")
      // REFUSED_STREAM: the request may be sent again.
      let code = try await client.readReset(on: request)
      try expect(code == 7, "the stream ended with \(code)")
    } else {
      let response = try await HTTPTestClient(stream).get("/")
      try expect(response.status == 503 && response["Connection"] == "close", "the status was \(response.status)")
    }
    stream.close()
  }
}

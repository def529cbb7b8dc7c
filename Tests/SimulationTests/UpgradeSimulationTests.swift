import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The step from HTTP/1 to HTTP/2, wherever what the client sends is cut.
struct UpgradeSimulationTests {
  private static let preface =
    Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + HTTP2TestClient<SimulatedStream>.frame(4)

  private static let request =
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    + "HTTP2-Settings: AAMAAABk\r\n\r\n"

  @Test func `As much of the preface as may be comes with the request that asks for it`() async throws {
    try await simulate(seeds: 1...3, faults: .calm) { runtime in
      let host = runtime.host()
      var router = Router()
      router.get("/") { _ in .text("hello") }
      try await serving(on: host, in: runtime, router) { server, _ in
        for length in 0...Self.preface.count {
          let stream = try await runtime.connect(to: server.localAddress)
          try await stream.write(Array(Self.request.utf8) + Self.preface.prefix(length))
          try await runtime.clock.sleep(for: .seconds(5))
          if length < Self.preface.count { try await stream.write(Array(Self.preface.dropFirst(length))) }
          let reader = HTTPTestClient(stream)
          try expect(try await reader.readHead().status == 101, "it was not to go on with HTTP/2")
          let client = HTTP2TestClient(stream, after: reader)
          try expect(try await client.readResponse(on: 1).text == "hello", "\(length): it said something else")
          try expect(try await client.get("/").text == "hello", "\(length): it said something else")
          try expect(client.settingsAreAcknowledged, "\(length): the settings were not acknowledged")
          stream.close()
        }
      }
    }
  }
}

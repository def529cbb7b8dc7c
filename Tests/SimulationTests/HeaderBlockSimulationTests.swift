import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// HTTP/2 header blocks in several frames. No other frame may interrupt them, and their number is limited.
struct HeaderBlockSimulationTests {
  private typealias Client = HTTP2TestClient<SimulatedStream>

  @Test func `A header block that is interrupted ends the connection`() async throws {
    try await serve { client in
      let head = client.head("GET", "/").bytes
      // Without END_HEADERS.
      let begun = Client.frame(1, flags: 1, stream: 3, payload: Array(head.dropFirst(9)))
      try await client.stream.write(begun + Client.frame(6, payload: [UInt8](repeating: 0, count: 8)))
      let code = try await client.readGoAway()
      try expect(code == 1, "it ended with \(code)")
    }
  }

  @Test func `A header block without an end ends the connection`() async throws {
    try await serve { client in
      let head = client.head("GET", "/").bytes
      try await client.stream.write(Client.frame(1, flags: 1, stream: 3, payload: Array(head.dropFirst(9))))
      let more = Client.frame(9, stream: 3, payload: [UInt8](repeating: 0, count: 16_384))
      // Far more than a head may have, but far fewer frames than the server's limit of useless frames.
      for _ in 0..<20 { try await client.stream.write(more) }
      let code = try await client.readGoAway()
      try expect(code == 11, "it ended with \(code)")
    }
  }

  private func serve(_ body: @escaping @Sendable (HTTP2TestClient<SimulatedStream>) async throws -> Void) async throws {
    try await simulate(seeds: 1...3) { runtime in
      let host = runtime.host()
      var router = Router()
      router.get("/") { _ in .text("hello") }
      try await serving(on: host, in: runtime, router) { server, _ in
        let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
        try await client.start()
        _ = try await client.get("/")
        try await body(client)
        client.stream.close()
      }
    }
  }
}

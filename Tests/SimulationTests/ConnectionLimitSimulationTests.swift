import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import Testing

/// A server with a limit of connections, over both versions of HTTP.
struct ConnectionLimitSimulationTests {
  private static let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

  @Test func `Connections beyond the limit wait until another has ended`() async throws {
    try await simulate(seeds: Seeds.few, faults: .calm) { runtime in
      try await Self.serve(on: runtime, maximum: 2) { server, _ in
        func client() async throws -> HTTPTestClient<SimulatedStream> {
          HTTPTestClient(try await runtime.connect(to: server.localAddress))
        }
        let (first, second) = (try await client(), try await client())
        for client in [first, second] { _ = try await client.get("/") }
        let waiting = [try await client(), try await client(), try await client()]
        for client in waiting { try await client.send(Self.request) }
        try await runtime.clock.sleep(for: .seconds(5))
        try expect(server.metrics.totalConnections == 2, "the server accepted more connections")
        try expect(try await second.get("/").text == "hello", "an open connection was not served")
        first.stream.close()
        for client in waiting {
          try expect(try await client.readResponse().text == "hello", "wrong response")
          client.stream.close()
        }
        second.stream.close()
      }
    }
  }

  @Test(arguments: [1, 2, 3])
  func `There are never more connections than the limit, and every client is served`(maximum: Int) async throws {
    try await simulate(seeds: Seeds.many, faults: .calm) { runtime in
      try await Self.serve(on: runtime, maximum: maximum) { server, _ in
        try await withThrowingTaskGroup { group in
          for number in 0..<10 {
            group.addTask {
              let stream = try await runtime.connect(to: server.localAddress)
              if number.isMultiple(of: 2) {
                let client = HTTP2TestClient(stream)
                try await client.start()
                try expect(try await client.get("/").text == "hello", "wrong response")
              } else {
                try expect(try await HTTPTestClient(stream).get("/").text == "hello", "wrong response")
              }
              try expect(server.metrics.openConnections <= maximum, "the server accepted more connections")
              stream.close()
            }
          }
          try await group.waitForAll()
        }
        try expect(server.metrics.totalConnections == 10, "wrong number of connections")
      }
    }
  }

  enum End: CaseIterable { case shutdown, cancellation }

  @Test(arguments: End.allCases)
  func `A server that has no room ends like any other`(end: End) async throws {
    try await simulate(seeds: Seeds.few, faults: .calm) { runtime in
      try await Self.serve(on: runtime, maximum: 1) { server, serving in
        let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
        _ = try await client.get("/")
        try await client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        try await runtime.clock.sleep(for: .seconds(1))
        switch end {
        case .shutdown: await server.shutdown()
        case .cancellation: serving.cancel()
        }
        let response = try await client.readResponse()
        try expect(response.text == "slow", "what was in flight was lost")
        try expect(response["Connection"] == "close", "it does not end")
        try await serving.value
        client.stream.close()
      }
    }
  }

  /// Calls `body` with a server on its own host and the task that runs it, and shuts the server down.
  private static func serve(
    on runtime: SimulatedRuntime, maximum: Int,
    _ body: (Server<SimulatedRuntime, Router>, Task<Void, any Error>) async throws -> Void
  ) async throws {
    let host = runtime.host()
    var router = Router()
    router.get("/") { _ in .text("hello") }
    router.get("/slow") { _ in
      try await host.clock.sleep(for: .seconds(5))
      return .text("slow")
    }
    var options = ServerOptions()
    options.maximumConnections = maximum
    try await serving(on: host, in: runtime, router, options, body)
  }
}

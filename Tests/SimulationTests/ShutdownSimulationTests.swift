import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// What clients get of a server that shuts down, and when.
@Suite(.timeLimit(.minutes(10))) struct ShutdownSimulationTests {
  @Test func `A connection without a request is closed at once, unless it may be kept for a while`() async throws {
    for grace in [Duration.zero, .seconds(3)] {
      var options = ServerOptions()
      options.shutdownIdleGrace = grace
      try await serve(options) { runtime, server in
        let (used, unused) = (try await client(runtime, server), try await client(runtime, server))
        for client in [used, unused] { try expect(try await client.get("/").status == 200, "it was not served") }
        let start = runtime.clock.now
        async let over: Void = server.shutdown()
        if grace > .zero {
          try await runtime.clock.sleep(for: grace - .milliseconds(100))
          let last = try await used.get("/")
          try expect(last.status == 200 && last["Connection"] == "close", "it was not the last answer")
        }
        try expect(try await unused.readToEnd().isEmpty, "something came without a request")
        let elapsed = start.duration(to: runtime.clock.now)
        try expect(elapsed >= grace && elapsed < grace + .milliseconds(50), "it was kept for \(elapsed)")
        for client in [used, unused] { client.stream.close() }
        await over
      }
    }
  }

  @Test func `A request of which half has come when the server shuts down is answered`() async throws {
    try await serve { runtime, server in
      let client = try await client(runtime, server)
      try await client.send("GET / HTTP/1.1\r\nHo")
      try await runtime.clock.sleep(for: .seconds(1))
      async let over: Void = server.shutdown()
      try await runtime.clock.sleep(for: .seconds(1))
      try await client.send("st: a\r\n\r\n")
      let last = try await client.readResponse()
      try expect(last.text == "hello" && last["Connection"] == "close", "it was not the last answer")
      client.stream.close()
      await over
    }
  }

  @Test func `A request of HTTP/1 in flight gets a 503 when the server has no more time`() async throws {
    try await serve { runtime, server in
      let elapsed = try await timeToEnd(of: "/wait", on: server, runtime) { client in
        let last = try await client.readResponse()
        try expect(last.status == 503 && last["Connection"] == "close", "it has another answer")
      }
      try expect(elapsed >= .seconds(10) && elapsed < .milliseconds(10_100), "it took \(elapsed)")
    }
  }

  @Test func `Requests of HTTP/2 get a 503, or what was written, when the server has no more time`() async throws {
    try await serve { runtime, server in
      let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
      try await client.start()
      let whole = try await client.send("GET", "/wait")
      let upload = try await client.send("POST", "/wait", ends: false)
      let streamed = try await client.send("GET", "/trickle")
      try await runtime.clock.sleep(for: .seconds(1))
      async let over: Void = server.shutdown()
      try expect(try await client.readResponse(on: whole).status == 503, "it has another answer")
      let code = try await client.readReset(on: upload)
      try expect(code == 0, "the upload ends with \(code)")
      let failure = try await client.readReset(on: streamed)
      try expect(failure == 2, "the stream ends with \(failure)")
      try expect(client.body(on: streamed) == Array("begun".utf8), "what was written is lost")
      try await client.readToEnd()
      client.stream.close()
      await over
    }
  }

  @Test func `A handler that heeds nothing is left when the server has no more time`() async throws {
    try await serve { runtime, server in
      let elapsed = try await timeToEnd(of: "/deaf", on: server, runtime) { client in
        try expect(try await client.readToEnd().isEmpty, "something came")
      }
      try expect(elapsed >= .milliseconds(10_500) && elapsed < .milliseconds(10_600), "it took \(elapsed)")
    }
  }

  /// How long `end` takes, which waits for the end of a request for `path` that is in flight when the server shuts down.
  private func timeToEnd(
    of path: String, on server: Server<SimulatedRuntime, Router>, _ runtime: SimulatedRuntime,
    _ end: (HTTPTestClient<SimulatedStream>) async throws -> Void
  ) async throws -> Duration {
    let client = try await client(runtime, server)
    try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
    try await runtime.clock.sleep(for: .seconds(1))
    let start = runtime.clock.now
    async let over: Void = server.shutdown()
    try await end(client)
    let elapsed = start.duration(to: runtime.clock.now)
    client.stream.close()
    await over
    return elapsed
  }

  private func client(
    _ runtime: SimulatedRuntime, _ server: Server<SimulatedRuntime, Router>
  ) async throws -> HTTPTestClient<SimulatedStream> {
    HTTPTestClient(try await runtime.connect(to: server.localAddress))
  }

  private func serve(
    _ options: ServerOptions = ServerOptions(),
    _ body: @escaping @Sendable (SimulatedRuntime, Server<SimulatedRuntime, Router>) async throws -> Void
  ) async throws {
    try await simulate(seeds: Seeds.few, faults: .calm) { runtime in
      let host = runtime.host()
      let wait: @Sendable (Request) async throws -> Response = { _ in
        try await host.clock.sleep(for: .seconds(30))
        return .text("too late")
      }
      var router = Router()
      router.get("/") { _ in .text("hello") }
      router.get("/wait", wait)
      router.post("/wait", wait)
      router.get("/trickle") { _ in
        Response(
          body: .stream { writer in
            try await writer.write("begun")
            try await host.clock.sleep(for: .seconds(30))
          })
      }
      router.get("/deaf") { _ in
        for _ in 0..<3 { _ = await host.spawn { try await host.clock.sleep(for: .seconds(10)) }.result }
        return .text("too late")
      }
      try await serving(on: host, in: runtime, router, options) { server, _ in try await body(runtime, server) }
    }
  }
}

import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// What the clients of a server get when it shuts down, and when.
@Suite(.timeLimit(.minutes(10))) struct ShutdownSimulationTests {
  @Test func `A connection without a request is closed at once, unless it may be kept for a while`() async throws {
    for grace in [Duration.zero, .seconds(3)] {
      var options = ServerOptions()
      options.shutdownIdleGrace = grace
      try await serve(options) { runtime, server, _ in
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
    try await serve { runtime, server, _ in
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

  @Test func `Connections that wait to be accepted when the server shuts down are served`() async throws {
    // None of this takes time, so the order of tasks decides how many connections have been accepted.
    try await simulate(seeds: Seeds.many) { runtime in
      let host = runtime.host()
      var router = Router()
      router.get("/") { _ in .text("hello") }
      let server = try await Server(runtime: host, address: .ipv4(host.address, port: 80), handler: router)
      let serving = host.spawn { try await server.run() }
      try await runtime.clock.sleep(for: .seconds(1))
      var clients: [HTTPTestClient<SimulatedStream>] = []
      for _ in 0..<8 {
        let client = try await client(runtime, server)
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        clients.append(client)
      }
      async let over: Void = server.shutdown()
      for client in clients {
        try expect(try await client.readResponse().text == "hello", "wrong response")
        client.stream.close()
      }
      await over
      try await serving.value
      try await runtime.expectNothingLeft()
    }
  }

  @Test(arguments: [Scenario.Version.http1, .http2])
  func `A connection that comes while the server shuts down does not hold it up`(
    version: Scenario.Version
  ) async throws {
    // None of this takes time, so the order of tasks decides whether a connection has been accepted.
    try await simulate(seeds: Seeds.many) { runtime in
      let host = runtime.host()
      try await serving(on: host, in: runtime, Router()) { server, _ in
        try await runtime.clock.sleep(for: .seconds(1))
        var clients: [HTTP2TestClient<SimulatedStream>] = []
        for _ in 0..<4 {
          let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
          // Speaks HTTP/2 and asks for nothing, or sends nothing at all.
          if version == .http2 { try await client.start() }
          clients.append(client)
        }
        let start = runtime.clock.now
        async let over: Void = server.shutdown()
        for client in clients {
          // Some may be reset, because they have not asked for anything.
          do { try await client.readToEnd() } catch is IOError {}
          client.stream.close()
        }
        await over
        let elapsed = start.duration(to: runtime.clock.now)
        try expect(elapsed < .seconds(5), "it took \(elapsed)")
      }
    }
  }

  @Test func `A shorter grace counts, whenever it is given`() async throws {
    try await serve { runtime, server, _ in
      let client = try await client(runtime, server)
      try await client.send("GET /wait HTTP/1.1\r\nHost: a\r\n\r\n")
      try await runtime.clock.sleep(for: .seconds(1))
      let start = runtime.clock.now
      async let over: Void = server.shutdown(grace: .seconds(3600))
      try await runtime.clock.sleep(for: .seconds(1))
      async let overSooner: Void = server.shutdown(grace: .seconds(2))
      let last = try await client.readResponse()
      let elapsed = start.duration(to: runtime.clock.now)
      try expect(last.status == 503, "the status was \(last.status)")
      try expect(elapsed >= .seconds(3) && elapsed < .milliseconds(3100), "it took \(elapsed)")
      client.stream.close()
      await over
      await overSooner
    }
  }

  @Test func `A request of HTTP/1 in flight gets a 503 when the server has no more time`() async throws {
    try await serve { runtime, server, _ in
      let elapsed = try await timeToEnd(of: "/wait", on: server, runtime) { client in
        let last = try await client.readResponse()
        try expect(last.status == 503 && last["Connection"] == "close", "wrong response")
      }
      try expect(elapsed >= .seconds(10) && elapsed < .milliseconds(10_100), "it took \(elapsed)")
    }
  }

  @Test func `Requests of HTTP/2 get a 503, or what was written, when the server has no more time`() async throws {
    try await serve { runtime, server, ends in
      let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
      try await client.start()
      let whole = try await client.send("GET", "/wait")
      let upload = try await client.send("POST", "/wait", ends: false)
      let streamed = try await client.send("GET", "/trickle")
      try await runtime.clock.sleep(for: .seconds(1))
      let start = runtime.clock.now
      async let over: Void = server.shutdown()
      try expect(try await client.readResponse(on: whole).status == 503, "wrong response")
      // Before all connections are ended, half a second later.
      try await runtime.clock.sleep(for: .milliseconds(100))
      let ends = ends.elements.map { start.duration(to: $0) }
      try expect(ends.count == 3, "\(ends.count) of 3 handlers were cancelled")
      try expect(ends.allSatisfy { $0 >= .seconds(10) }, "handlers were cancelled after \(ends)")
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
    try await serve { runtime, server, _ in
      let elapsed = try await timeToEnd(of: "/deaf", on: server, runtime) { client in
        try expect(try await client.readToEnd().isEmpty, "something came")
      }
      try expect(elapsed >= .milliseconds(10_500) && elapsed < .milliseconds(10_600), "it took \(elapsed)")
    }
  }

  /// Shuts the server down while a request for `path` is in flight, and returns how long `end` takes, which waits for
  /// the end of the request.
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

  /// - Parameter body: called with a record of when handlers were cancelled.
  private func serve(
    _ options: ServerOptions = ServerOptions(),
    _ body:
      @escaping @Sendable (
        SimulatedRuntime, Server<SimulatedRuntime, Router>, _ ends: Recorder<SimulatedClock.Instant>
      ) async throws -> Void
  ) async throws {
    try await simulate(seeds: Seeds.few, faults: .calm) { runtime in
      let host = runtime.host()
      let ends = Recorder<SimulatedClock.Instant>()
      let pause: @Sendable () async throws -> Void = {
        do {
          try await host.clock.sleep(for: .seconds(30))
        } catch {
          ends.record(host.clock.now)
          throw error
        }
      }
      let wait: @Sendable (Request) async throws -> Response = { _ in
        try await pause()
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
            try await pause()
          })
      }
      router.get("/deaf") { _ in
        for _ in 0..<3 { _ = await host.spawn { try await host.clock.sleep(for: .seconds(10)) }.result }
        return .text("too late")
      }
      try await serving(on: host, in: runtime, router, options) { server, _ in try await body(runtime, server, ends) }
    }
  }
}

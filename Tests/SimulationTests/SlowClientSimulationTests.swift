import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Clients that send or take content slowly. While they keep to the least rate, they have all the time they need;
/// otherwise, no more time than a client that does nothing.
@Suite(.timeLimit(.minutes(10))) struct SlowClientSimulationTests {
  private static let length = 100_000

  // MARK: Sending

  @Test func `A client of HTTP/1 that sends a byte just in time for every wait is refused as too slow`()
    async throws
  {
    try await serve { runtime, server in
      let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      try await client.send("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n")
      let start = runtime.clock.now
      let stream = client.stream
      let dripping = runtime.spawn {
        while true {
          try await runtime.clock.sleep(for: .seconds(20))
          try await stream.write("x")
        }
      }
      try expect(try await client.readResponse().status == 408, "wrong response")
      try expect(start.duration(to: runtime.clock.now) < .seconds(45), "the response came late")
      dripping.cancel()
      client.stream.close()
      _ = await dripping.result
    }
  }

  @Test func `A client of HTTP/2 that sends a byte just in time for every wait is also refused as too slow`()
    async throws
  {
    for isWithinFrame in [false, true] {
      try await serve { runtime, server in
        let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
        try await client.start()
        _ = try await client.get("/none")
        let stream = try await client.send("POST", "/count", ends: false)
        let start = runtime.clock.now
        let bytes = client.stream
        let dripping = runtime.spawn {
          var frame = HTTP2TestClient<SimulatedStream>.frame(
            0, stream: stream, payload: Array(repeating: 1, count: 1000))
          if !isWithinFrame { frame = HTTP2TestClient<SimulatedStream>.frame(0, stream: stream, payload: [1]) }
          var position = 0
          while true {
            let count = isWithinFrame ? max(1, position == 0 ? 10 : 1) : frame.count
            try await bytes.write(Array(frame[position..<position + count]))
            position = isWithinFrame ? position + count : 0
            try await runtime.clock.sleep(for: .seconds(20))
          }
        }
        // Within a frame, a stream cannot be ended by itself, so the connection ends.
        if isWithinFrame {
          _ = try? await client.readToEnd()
        } else {
          try expect(try await client.readResponse(on: stream).status == 408, "wrong response")
        }
        try expect(start.duration(to: runtime.clock.now) < .seconds(45), "the response came late")
        dripping.cancel()
        client.stream.close()
        _ = await dripping.result
      }
    }
  }

  @Test func `A client that sends two kilobytes a second has all the time it needs`() async throws {
    try await serve { runtime, server in
      let http1 = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      try await http1.send("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: \(Self.length)\r\n\r\n")
      for _ in 0..<10 {
        // Ten thousand bytes at once, and then nothing for five seconds.
        try await http1.send([UInt8](repeating: 1, count: Self.length / 10))
        try await runtime.clock.sleep(for: .seconds(5))
      }
      try expect(try await http1.readResponse().text == "\(Self.length)", "wrong response over HTTP/1")
      http1.stream.close()
      let http2 = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
      try await http2.start()
      _ = try await http2.get("/none")
      let stream = try await http2.send("POST", "/count", ends: false)
      for piece in 1...10 {
        try await http2.send([UInt8](repeating: 1, count: Self.length / 10), on: stream, ends: piece == 10)
        try await runtime.clock.sleep(for: .seconds(5))
      }
      try expect(try await http2.readResponse(on: stream).text == "\(Self.length)", "wrong response over HTTP/2")
      http2.stream.close()
    }
  }

  @Test func `A request has all its time, however much the one before it has taken`() async throws {
    try await serve { runtime, server in
      let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      for _ in 0..<3 {
        try await client.send("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n")
        try await runtime.clock.sleep(for: .seconds(25))
        try await client.send("hi")
        try expect(try await client.readResponse().text == "2", "wrong response")
      }
      client.stream.close()
    }
  }

  @Test func `The time that a handler takes is not the client's`() async throws {
    try await serve { runtime, server in
      let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      try await client.send("POST /slow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      for _ in 0..<10 {
        try await client.send("1\r\nx\r\n")
        try await runtime.clock.sleep(for: .seconds(20))
      }
      try await client.send("0\r\n\r\n")
      try expect(try await client.readResponse().text == "10", "wrong response")
      client.stream.close()
    }
  }

  // MARK: Taking

  @Test func `A client of HTTP/2 that takes a byte just in time for every wait loses its stream`() async throws {
    try await serve { runtime, server in
      let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
      // SETTINGS_INITIAL_WINDOW_SIZE
      try await client.start([(4, 10)])
      // After this, the settings are acknowledged.
      _ = try await client.get("/none")
      client.opensWindows = false
      let stream = try await client.send("GET", "/large")
      let start = runtime.clock.now
      var count = 10
      while client.error(on: stream) == nil {
        while client.body(on: stream).count < count, client.error(on: stream) == nil { try await client.readFrame() }
        try expect(start.duration(to: runtime.clock.now) < .seconds(45), "it does not end")
        try await runtime.clock.sleep(for: .seconds(20))
        try await client.openWindow(of: stream, by: 1)
        count += 1
      }
      client.stream.close()
    }
  }

  @Test func `A client of HTTP/1 that takes a large response late gets each byte once`() async throws {
    try await serve { runtime, server in
      let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      try await client.send("GET /bytes HTTP/1.1\r\nHost: a\r\n\r\n")
      _ = try await client.readHead()
      // Meanwhile the server fills the room that the network has, and waits.
      try await runtime.clock.sleep(for: .seconds(1))
      try expect(try await client.readExactly(Self.length) == Self.bytes, "wrong content")
      // Nothing is left over in front of the next response.
      try expect(try await client.get("/second").text == "second", "wrong response")
      client.stream.close()
    }
  }

  @Test func `What a client of HTTP/1 has not taken does not go to another client`() async throws {
    try await serve { runtime, server in
      let greedy = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      // A few responses at a time fill the room that the network has, and then the server waits. Its memory for many at
      // once would not be used again.
      for _ in 0..<4 {
        try await greedy.send(String(repeating: "GET /first HTTP/1.1\r\nHost: a\r\n\r\n", count: 300))
        try await runtime.clock.sleep(for: .seconds(1))
      }
      greedy.stream.close()
      try await runtime.clock.sleep(for: .seconds(1))
      let next = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      try expect(try await next.get("/second").text == "second", "wrong response")
      next.stream.close()
    }
  }

  /// A hundred thousand bytes, no two stretches of which are the same.
  private static let bytes: [UInt8] = (0..<length).map { UInt8(truncatingIfNeeded: $0 ^ $0 >> 8 ^ $0 >> 16) }

  private func serve(
    _ body: @escaping @Sendable (SimulatedRuntime, Server<SimulatedRuntime, Router>) async throws -> Void
  ) async throws {
    try await simulate(seeds: Seeds.few, faults: .calm) { runtime in
      let host = runtime.host()
      var router = Router()
      router.post("/count") { request in
        var count = 0
        for try await chunk in request.body { count += chunk.count }
        return .text("\(count)")
      }
      router.post("/slow") { request in
        var count = 0
        for try await chunk in request.body {
          count += chunk.count
          try await host.clock.sleep(for: .seconds(20))
        }
        return .text("\(count)")
      }
      router.get("/bytes") { _ in Response(body: .bytes(Self.bytes)) }
      router.get("/first") { _ in .text("first") }
      router.get("/second") { _ in .text("second") }
      router.get("/large") { _ in Response(body: .bytes([UInt8](repeating: 1, count: Self.length))) }
      try await serving(on: host, in: runtime, router) { server, _ in try await body(runtime, server) }
    }
  }
}

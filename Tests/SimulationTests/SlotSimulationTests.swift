import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Successive HTTP/2 streams that use the same slot. Nothing of one may be left for the next.
@Suite(.timeLimit(.minutes(10))) struct SlotSimulationTests {
  private typealias Client = HTTP2TestClient<SimulatedStream>

  /// What a stream does before an ordinary stream uses the slot.
  enum First: CaseIterable {
    case trailers, length, tooMuch, unread, late, responseTrailers, expectation, longHead, abandoned, abandonedStream,
      urgent, tunnel, collected
  }

  @Test(arguments: First.allCases)
  func `A stream has nothing of the one before it`(first: First) async throws {
    var options = ServerOptions()
    options.maximumBodyLength = 50_000
    // So few that a stream which is counted twice soon leaves no room.
    options.http2.maximumConcurrentStreams = 4
    try await serve(options) { runtime, client in
      for _ in 0..<3 {
        try await Self.perform(first, client, runtime)
        // When this is answered, the server has noticed the end of the stream and of its handler.
        try expect(try await client.get("/quick").text == "quick", "wrong response")
        let stream = try await client.send("POST", "/count", ends: false)
        // Nearly as long as the timeout for content.
        if first == .late { try await runtime.clock.sleep(for: .seconds(25)) }
        try await client.send([UInt8](repeating: 1, count: 30_000), on: stream, ends: true)
        let response = try await client.readResponse(on: stream)
        try expect(response.text == "30000", "the status was \(response.status): \(response.text)")
        try expect(response.trailers.isEmpty, "it has trailers: \(response.trailers)")
        let again = try await client.get("/stream")
        try expect(again.text == "streamed" && again.trailers.isEmpty, "a stream: \(again)")
        try await Self.perform(first, client, runtime)
        let large = try await client.get("/large")
        try expect(large.body.count == 100_000 && large.trailers.isEmpty, "large content: \(large.trailers)")
        try await Self.perform(first, client, runtime)
        try await Self.checkTurns(client)
      }
      try await Self.perform(first, client, runtime)
      let stalled = try await client.send("POST", "/count", ends: false)
      let start = runtime.clock.now
      try expect(try await client.readResponse(on: stalled).status == 408, "missing content was not timed out")
      let elapsed = start.duration(to: runtime.clock.now)
      try expect(elapsed >= .seconds(29) && elapsed < .seconds(32), "missing content was timed out after \(elapsed)")
    }
  }

  /// Checks that two streams of equal priority take turns.
  private static func checkTurns(_ client: Client) async throws {
    let streams = [try await client.send("GET", "/large"), try await client.send("GET", "/large")]
    var counts = [0, 0]
    while counts.max() ?? 0 < 100_000 {
      try await client.readFrame()
      counts = streams.map { client.body(on: $0).count }
    }
    try expect(counts.min() ?? 0 >= 30_000, "of one came all, and of the other \(counts.min() ?? 0) bytes")
    for stream in streams {
      let count = try await client.readResponse(on: stream).body.count
      try expect(count == 100_000, "\(count) bytes came")
    }
  }

  private static func perform(_ first: First, _ client: Client, _ runtime: SimulatedRuntime) async throws {
    switch first {
    case .trailers:
      let stream = try await client.send("POST", "/count", ends: false)
      try await client.send(Array("hi".utf8), on: stream)
      try await client.send(trailers: [("x-sum", "1")], on: stream)
      try expect(try await client.readResponse(on: stream).text == "2 x-sum", "there were no trailers")
    case .length:
      let stream = try await client.send("POST", "/count", [("content-length", "1000")], ends: false)
      try await client.send(Array("hi".utf8), on: stream)
      try await client.reset(stream)
    case .tooMuch:
      let stream = try await client.send("POST", "/count", ends: false)
      try await client.send([UInt8](repeating: 1, count: 60_000), on: stream, ends: true)
      try expect(try await client.readResponse(on: stream).status == 413, "the content was not refused")
    case .unread:
      let stream = try await client.send("POST", "/refuse", ends: false)
      try await client.send([UInt8](repeating: 1, count: 40_000), on: stream, ends: true)
      try expect(try await client.readResponse(on: stream).text == "refused", "wrong response")
    case .late:
      let stream = try await client.send("POST", "/count", ends: false)
      try await runtime.clock.sleep(for: .seconds(25))
      try await client.send(Array("hi".utf8), on: stream, ends: true)
      try expect(try await client.readResponse(on: stream).text == "2", "wrong response")
    case .responseTrailers:
      try expect(try await client.get("/trailers").trailers.map(\.name) == ["x-sum"], "there were no trailers")
    case .longHead:
      let field = ("x-long", String(repeating: "a", count: 20_000))
      try expect(try await client.request("GET", "/quick", [field]).text == "quick", "wrong response")
    case .abandoned:
      client.opensWindows = false
      let stream = try await client.send("GET", "/large")
      while client.body(on: stream).count < 65_535 { try await client.readFrame() }
      try await client.reset(stream)
      client.opensWindows = true
      try await client.openWindow(of: 0, by: 65_535)
    case .abandonedStream:
      client.opensWindows = false
      let stream = try await client.send("GET", "/endless")
      while client.body(on: stream).count < 65_535 { try await client.readFrame() }
      try await client.reset(stream)
      client.opensWindows = true
      try await client.openWindow(of: 0, by: 65_535)
    case .urgent:
      let response = try await client.request("GET", "/quick", [("priority", "u=0")])
      try expect(response.text == "quick", "wrong response")
    case .tunnel:
      let stream = try await client.send("CONNECT", "/echo", [(":protocol", "echo")], ends: false)
      try await client.send(Array("hi".utf8), on: stream, ends: true)
      try expect(try await client.readResponse(on: stream).text == "hi", "wrong response")
    case .collected:
      let stream = try await client.send("POST", "/collect", ends: false)
      try await client.send([UInt8](repeating: 1, count: 40_000), on: stream)
      try await runtime.clock.sleep(for: .seconds(1))
      try await client.reset(stream)
    case .expectation:
      let stream = try await client.send("POST", "/count", [("expect", "100-continue")], ends: false)
      try expect(try await client.readHead(on: stream).status == 100, "there was no 100 (Continue)")
      try await client.send(Array("hi".utf8), on: stream, ends: true)
      try expect(try await client.readResponse(on: stream).text == "2", "wrong response")
    }
  }

  @Test func `Each stream has its own share of content that no handler reads`() async throws {
    try await serve { _, client in
      for _ in 0..<10 {
        let stream = try await client.send("POST", "/refuse", ends: false)
        // The client sends everything before it reads more than it has to.
        try await client.send([UInt8](repeating: 1, count: 300_000), on: stream, ends: true)
        try expect(try await client.readResponse(on: stream).text == "refused", "wrong response")
        try expect(client.error(on: stream) == nil, "the stream was reset")
      }
    }
  }

  private func serve(
    _ options: ServerOptions = ServerOptions(),
    _ body: @escaping @Sendable (SimulatedRuntime, HTTP2TestClient<SimulatedStream>) async throws -> Void
  ) async throws {
    try await simulate(seeds: 1...5, faults: .calm) { runtime in
      let host = runtime.host()
      var router = Router()
      router.get("/quick") { _ in .text("quick") }
      router.post("/refuse") { _ in .text("refused") }
      router.post("/collect") { request in .text("\(try await request.body.collect(upTo: 100_000).count)") }
      router.get("/endless") { _ in
        Response(
          body: .stream { writer in
            while true { try await writer.write([UInt8](repeating: 1, count: 10_000)) }
          })
      }
      router.upgrade("/echo") { _ in
        .upgrade(to: "echo") { stream in
          while case let bytes = try await stream.read(), !bytes.isEmpty { try await stream.write(bytes) }
        }
      }
      router.post("/count") { request in
        var count = 0
        for try await chunk in request.body { count += chunk.count }
        let trailers = request.body.trailers.map(\.name).joined()
        return .text(trailers.isEmpty ? "\(count)" : "\(count) \(trailers)")
      }
      router.get("/stream") { _ in
        Response(body: .stream { writer in try await writer.write("streamed") })
      }
      router.get("/large") { _ in Response(body: .bytes([UInt8](repeating: 1, count: 100_000))) }
      router.get("/trailers") { _ in
        Response(
          body: .stream { writer in
            try await writer.write("streamed")
            try writer.setTrailers(["X-Sum": "1"])
          })
      }
      try await serving(on: host, in: runtime, router, options) { server, _ in
        let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
        try await client.start()
        // After this, the settings are acknowledged.
        _ = try await client.get("/quick")
        try await body(runtime, client)
        // The connection is idle now, and its streams have left nothing.
        try await runtime.clock.sleep(for: .seconds(5))
        try expect(server.metrics.heldBytes == 0, "\(server.metrics.heldBytes) bytes are held")
        try expect(server.metrics.requestsInFlight == 0, "\(server.metrics.requestsInFlight) requests are in flight")
        client.stream.close()
      }
    }
  }
}

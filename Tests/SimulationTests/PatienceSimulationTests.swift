import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Handlers that pause for longer than every timeout at each point where they can, and clients that pause while the
/// server waits for nothing. A wait that is over must not end the connection later.
@Suite(.timeLimit(.minutes(10))) struct PatienceSimulationTests {
  /// Longer than any timeout, and than the time in which a client has to answer two PINGs.
  private static let pause = Duration.seconds(200)
  /// Lengths of content: sent with the head, sent by itself, and longer than a connection's buffers.
  static let lengths = [10, 30_000, 200_000]

  // MARK: HTTP/1

  @Test(arguments: lengths)
  func `A handler of HTTP/1 may pause at every point`(length: Int) async throws {
    try await serve { runtime, server in
      let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      for framing in ["Content-Length: \(length)\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n"] {
        // A path that does not read a chunked body would leave any number of chunks unread, and end the connection.
        let paths = ["/read", "/echo", "/whole/\(length)"] + (framing.hasPrefix("T") ? [] : ["/write/\(length)"])
        for path in paths {
          // Just before an idle connection times out.
          try await runtime.clock.sleep(for: .seconds(9))
          try await client.send("POST \(path) HTTP/1.1\r\nHost: a\r\n\(framing)")
          let stream = client.stream
          // In a separate task, because the handler may pause before it reads.
          let sending = runtime.spawn {
            let content = [UInt8](repeating: 7, count: length)
            if framing.hasPrefix("T") { try await stream.write(String(length, radix: 16) + "\r\n") }
            try await stream.write(content)
            if framing.hasPrefix("T") { try await stream.write("\r\n0\r\n\r\n") }
          }
          let response = try await client.readResponse(to: "POST")
          try expect(response.status == 200 && response["Connection"] == nil, "\(path): status \(response.status)")
          try expect(response.body == Self.expected(path, length), "\(path): \(response.body.count) bytes came")
          try await sending.value
          try await runtime.clock.sleep(for: .seconds(50))
        }
      }
      client.stream.close()
    }
  }

  @Test func `A client of HTTP/1 may pause while its handler does`() async throws {
    try await serve { runtime, server in
      let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      try await client.send("POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n")
      // The handler reads after a first pause, and pauses again after each piece.
      for _ in 0..<2 {
        try await runtime.clock.sleep(for: Self.pause - .seconds(5))
        try await client.send([UInt8](repeating: 7, count: 10))
      }
      try expect(try await client.readResponse(to: "POST").text == "20", "wrong response")
      client.stream.close()
    }
  }

  @Test func `The rest of a head has its time, and the answer before it does not wait for it`() async throws {
    try await serve { runtime, server in
      let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      try await client.send("GET /quick HTTP/1.1\r\nHost: a\r\n\r\nGET /quick HT")
      let start = runtime.clock.now
      try expect(try await client.readResponse().text == "quick", "wrong response")
      try expect(start.duration(to: runtime.clock.now) < .seconds(1), "the answer came late")
      try expect(try await client.readResponse().status == 408, "it was not timed out")
      let elapsed = start.duration(to: runtime.clock.now)
      try expect(elapsed >= .seconds(10) && elapsed < .seconds(12), "that was after \(elapsed)")
      client.stream.close()
    }
  }

  // MARK: HTTP/2

  @Test(arguments: lengths)
  func `A handler of HTTP/2 may pause at every point`(length: Int) async throws {
    try await serve { runtime, server in
      let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
      try await client.start()
      for path in ["/read", "/write/\(length)", "/echo", "/whole/\(length)"] {
        let stream = try await client.send("POST", path, ends: false)
        // The client reads while it waits for room, and so answers PINGs.
        try await client.send([UInt8](repeating: 7, count: length), on: stream, ends: true)
        let response = try await client.readResponse(on: stream)
        try expect(response.status == 200, "\(path): the status was \(response.status)")
        try expect(response.body == Self.expected(path, length), "\(path): \(response.body.count) bytes came")
        try await runtime.clock.sleep(for: .seconds(50))
      }
      try expect(client.lastStream == nil, "the server has gone away")
      client.stream.close()
    }
  }

  @Test func `A client of HTTP/2 may pause while its handler does`() async throws {
    try await serve { runtime, server in
      let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
      try await client.start()
      let stream = try await client.send("POST", "/read", ends: false)
      let waiting = try await client.send("GET", "/ponder")
      for piece in 1...2 {
        // At least one PING comes in thirty seconds, and is answered.
        while runtime.clock.now.offset < (Self.pause - .seconds(40)) * piece { try await client.readFrame() }
        try await client.send([UInt8](repeating: 7, count: 10), on: stream, ends: piece == 2)
      }
      try expect(try await client.readResponse(on: stream).text == "20", "wrong response")
      try expect(try await client.readResponse(on: waiting).text == "pondered", "wrong response")
      client.stream.close()
    }
  }

  @Test func `A handler that gives up waiting for content answers at once`() async throws {
    try await serve { runtime, server in
      let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
      try await client.start()
      _ = try await client.get("/quick")
      let stream = try await client.send("POST", "/hurry", ends: false)
      let start = runtime.clock.now
      try expect(try await client.readResponse(on: stream).text == "gave up", "wrong response")
      let elapsed = start.duration(to: runtime.clock.now)
      try expect(elapsed < .seconds(6), "it took \(elapsed)")
      client.stream.close()
    }
  }

  @Test func `A handler that has given up before it writes more than there is room for gives up at once`() async throws
  {
    try await serve { runtime, server in
      let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
      try await client.start()
      _ = try await client.get("/quick")
      client.opensWindows = false
      let stream = try await client.send("GET", "/late")
      while client.body(on: stream).count < 65_535 { try await client.readFrame() }
      try await runtime.clock.sleep(for: .seconds(2))
      try expect(server.metrics.requestsInFlight == 0, "the handler waits")
      // What the handler has written is still sent.
      try await client.openWindow(of: stream, by: 1 << 20)
      try await client.openWindow(of: 0, by: 1 << 20)
      let code = try await client.readReset(on: stream)
      try expect(code == 2, "the stream ended with \(code)")
      let count = client.body(on: stream).count
      try expect(count == 5 + Self.largeLength, "\(count) bytes came")
      client.stream.close()
    }
  }

  @Test func `A body that is in use when its exchange ends costs the connection`() async throws {
    try await serve { runtime, server in
      let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      try await client.send("POST /leak HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n")
      try expect(try await client.readToEnd().isEmpty, "it was answered")
      client.stream.close()
    }
  }

  @Test func `A stream that waits for more urgent ones is not taken for one whose client takes nothing`() async throws {
    try await serve { runtime, server in
      let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
      try await client.start([(4, 1 << 20)])
      try await client.openWindow(of: 0, by: 1 << 20)
      _ = try await client.get("/quick")
      let urgent = try await client.send("GET", "/large", [("priority", "u=0")])
      let other = try await client.send("GET", "/large", [("priority", "u=7")])
      // Slowly, but at the least rate, so that the urgent response takes minutes.
      while client.body(on: urgent).count < Self.largeLength {
        try await runtime.clock.sleep(for: .seconds(10))
        let count = client.body(on: urgent).count
        while client.body(on: urgent).count < min(count + 16_384, Self.largeLength) { try await client.readFrame() }
      }
      try expect(try await client.readResponse(on: other).body.count == Self.largeLength, "the other was cut off")
      client.stream.close()
    }
  }

  // MARK: -

  private static let largeLength = 400_000

  private static func expected(_ path: String, _ length: Int) -> [UInt8] {
    path == "/read" ? Array("\(length)".utf8) : [UInt8](repeating: 7, count: length)
  }

  private func serve(
    _ body: @escaping @Sendable (SimulatedRuntime, Server<SimulatedRuntime, Router>) async throws -> Void
  ) async throws {
    try await simulate(seeds: 1...3, faults: .calm) { runtime in
      let host = runtime.host()
      let pause: @Sendable () async throws -> Void = { try await host.clock.sleep(for: Self.pause) }
      var router = Router()
      router.get("/quick") { _ in .text("quick") }
      router.post("/hurry") { request in
        do {
          try await withTimeout(.seconds(5), on: host.clock) { for try await _ in request.body {} }
          return .text("all of it")
        } catch is TimedOut {
          return .text("gave up")
        }
      }
      router.get("/late") { _ in
        Response(
          body: .stream { writer in
            try await writer.write("begun")
            try await withTimeout(.seconds(5), on: host.clock) {
              try? await host.clock.sleep(for: Self.pause)
              try await writer.write([UInt8](repeating: 7, count: Self.largeLength))
            }
          })
      }
      router.post("/leak") { request in
        host.spawn { for try await _ in request.body {} }
        try await host.clock.sleep(for: .seconds(1))
        return .text("leaked")
      }
      router.get("/ponder") { _ in
        try await pause()
        return .text("pondered")
      }
      router.get("/large") { _ in Response(body: .bytes([UInt8](repeating: 7, count: Self.largeLength))) }
      router.post("/read") { request in
        var count = 0
        try await pause()
        for try await chunk in request.body {
          count += chunk.count
          try await pause()
        }
        return .text("\(count)")
      }
      router.post("/write/:length") { request in
        let length = request.parameters["length"].flatMap { Int($0) } ?? 0
        return Response(
          body: .stream { writer in
            try await pause()
            for start in stride(from: 0, to: length, by: max(1, length / 2)) {
              try await writer.write([UInt8](repeating: 7, count: min(max(1, length / 2), length - start)))
              try await pause()
            }
          })
      }
      router.post("/echo") { request in
        Response(
          body: .stream { writer in
            for try await chunk in request.body {
              try await pause()
              try await writer.write(chunk)
              try await pause()
            }
            try await pause()
          })
      }
      router.post("/whole/:length") { request in
        let length = request.parameters["length"].flatMap { Int($0) } ?? 0
        _ = try await request.body.collect(upTo: 1_000_000)
        try await pause()
        return Response(body: .bytes([UInt8](repeating: 7, count: length)))
      }
      var options = ServerOptions()
      // One of the handlers does what a server logs as an error.
      options.log = { _ in }
      try await serving(on: host, in: runtime, router, options) { server, _ in try await body(runtime, server) }
    }
  }
}

import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import RuntimeHTTP

/// Whole HTTP/2 connections, over every transport.
@Suite(.timeLimit(.minutes(10))) struct HTTP2ConnectionTests {
  @Test(arguments: Transport.allCases)
  func `requests are answered one after another, and concurrently`(_ transport: Transport) async throws {
    try await withHTTP2(over: transport, handler: { .text($0.path) }) { client in
      for number in 0..<3 {
        let response = try await client.get("/\(number)")
        #expect(response.status == 200 && response.text == "/\(number)")
        #expect(response["content-length"] == "2" && response["date"]?.count == 29)
      }
      var streams: [UInt32] = []
      for number in 0..<50 { streams.append(try await client.send("GET", "/n\(number)")) }
      for (number, stream) in streams.enumerated().reversed() {
        let text = try await client.readResponse(on: stream).text
        #expect(text == "/n\(number)")
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `content goes in both directions concurrently`(_ transport: Transport) async throws {
    let content = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 5) }
    try await withHTTP2(over: transport, handler: { Response(body: .stream($0.body)) }) { client in
      let stream = try await client.send("POST", "/", ends: false)
      try await client.send(content, on: stream, ends: true)
      let response = try await client.readResponse(on: stream)
      #expect(response.body == content)
    }
  }

  @Test(arguments: Transport.allCases)
  func `large content is sent as the windows allow`(_ transport: Transport) async throws {
    let content = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
    try await withHTTP2(over: transport, handler: { _ in Response(body: .bytes(content)) }) { client in
      let streams = [try await client.send("GET", "/"), try await client.send("GET", "/")]
      for stream in streams {
        let response = try await client.readResponse(on: stream)
        #expect(response.body == content && response["content-length"] == "300000")
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `trailers go in both directions`(_ transport: Transport) async throws {
    try await withHTTP2(
      over: transport,
      handler: { request in
        Response(
          body: .stream { writer in
            let content = try await request.body.collect(upTo: 100)
            try await writer.write(content)
            try writer.setTrailers(["sum": request.body.trailers["sum"] ?? "none"])
          })
      }
    ) { client in
      let stream = try await client.send("POST", "/", ends: false)
      try await client.send(Array("abc".utf8), on: stream)
      try await client.send(trailers: [("sum", "294")], on: stream)
      let response = try await client.readResponse(on: stream)
      #expect(response.text == "abc")
      #expect(response.trailers.map(\.value) == ["294"])
    }
  }

  /// Answers some requests in a plain call.
  private struct PlainHandler: Handler {
    func respondAtOnce(to request: Request) throws -> Response? {
      switch request.path {
      case "/now": return .text("at once")
      case "/large": return .text(String(repeating: "x", count: 200_000))
      case "/nowhere": throw HTTPError(.notFound)
      case "/interim": return Response(status: .continue)
      case "/stream": return Response(body: .stream { writer in try await writer.write(Array("later".utf8)) })
      default: return nil
      }
    }

    func respond(to request: Request) async throws -> Response { .text("in a task") }
  }

  @Test(arguments: Transport.allCases)
  func `a plain call answers a request without content if the handler can`(
    _ transport: Transport
  ) async throws {
    try await withHTTP2(over: transport, handler: PlainHandler()) { client in
      let expected: [(path: String, status: Int, text: String?)] = [
        ("/now", 200, "at once"), ("/wait", 200, "in a task"), ("/large", 200, String(repeating: "x", count: 200_000)),
        ("/nowhere", 404, nil), ("/interim", 500, nil), ("/stream", 200, "later"), ("/now", 200, "at once"),
      ]
      var streams: [UInt32] = []
      for (path, _, _) in expected { streams.append(try await client.send("GET", path)) }
      for (stream, (path, status, text)) in zip(streams, expected) {
        let response = try await client.readResponse(on: stream)
        #expect(response.status == status, "\(path)")
        if let text { #expect(response.text == text, "\(path)") }
      }
      let stream = try await client.send("POST", "/now", ends: false)
      try await client.send(Array("abc".utf8), on: stream, ends: true)
      let response = try await client.readResponse(on: stream)
      #expect(response.text == "in a task")
    }
  }

  @Test func `a handler gets the same request as over HTTP1`() async throws {
    try await withHTTP2(
      handler: { request in
        let fields = request.headers.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
        return .text("\(request.method) \(request.target) \(request.version) \(request.authority ?? "") \(fields)")
      }
    ) { client in
      let text = try await client.request("DELETE", "/a?b=c", [("x", "y")]).text
      #expect(text == "DELETE /a?b=c HTTP/2 localhost host=localhost x=y")
    }
  }

  @Test func `a response to HEAD has a length and no content`() async throws {
    try await withHTTP2(handler: { _ in .text("hello") }) { client in
      let response = try await client.request("HEAD", "/")
      #expect(response.status == 200 && response.body.isEmpty && response["content-length"] == "5")
    }
  }

  // MARK: Interim responses

  @Test(arguments: Transport.allCases)
  func `a client that expects a 100 gets it when its content is read`(_ transport: Transport) async throws {
    try await withHTTP2(
      over: transport, handler: { .text("\(try await $0.body.collect(upTo: 10).count)") }
    ) { client in
      let stream = try await client.send("POST", "/", [("expect", "100-continue")], ends: false)
      #expect(try await client.readHead(on: stream).status == 100)
      try await client.send([1, 2, 3], on: stream, ends: true)
      #expect(try await client.readResponse(on: stream).text == "3")
      #expect(client.statuses(on: stream) == ["100", "200"])
    }
  }

  // MARK: Flow control

  @Test(arguments: Transport.allCases)
  func `a handler that does not read stops the client on its own stream only`(_ transport: Transport) async throws {
    let mayRead = Gate()
    try await withHTTP2(
      over: transport,
      handler: { request in
        if request.path == "/slow" { await mayRead.wait() }
        return .text("\(try await request.body.collect(upTo: 1 << 20).count)")
      }
    ) { client in
      let slow = try await client.send("POST", "/slow", ends: false)
      try await client.send([UInt8](repeating: 0, count: 65_535), on: slow)
      #expect(client.window(of: slow) == 0)
      // Three times the initial window of the connection goes through another stream.
      let other = try await client.send("POST", "/", ends: false)
      try await client.send([UInt8](repeating: 0, count: 200_000), on: other, ends: true)
      #expect(try await client.readResponse(on: other).text == "200000")
      #expect(client.window(of: slow) == 0)
      mayRead.open()
      try await client.send([UInt8](repeating: 0, count: 10), on: slow, ends: true)
      #expect(try await client.readResponse(on: slow).text == "65545")
    }
  }

  @Test(arguments: Transport.allCases)
  func `a client that does not open a window suspends only that handler`(_ transport: Transport) async throws {
    let written = Atomic<Int>(0)
    try await withHTTP2(
      over: transport, settings: [(4, 10)],
      handler: { request in
        if request.path == "/hello" { return .text("hello") }
        return Response(
          body: .stream { writer in
            for _ in 0..<100 {
              try await writer.write([UInt8](repeating: 0x61, count: 1000))
              written.add(1000, ordering: .relaxed)
            }
          })
      }
    ) { client in
      client.opensWindows = false
      let stream = try await client.send("GET", "/")
      while client.body(on: stream).count < 10 { try await client.readFrame() }
      for _ in 0..<20 { try await client.expectAnswer() }
      // Unsent output is bounded, so the handler has not written more.
      #expect(written.load(ordering: .relaxed) <= 20_000)
      #expect(client.body(on: stream).count == 10)
      try await client.openWindow(of: stream, by: 100_000)
      try await client.openWindow(of: 0, by: 100_000)
      #expect(try await client.readResponse(on: stream).body.count == 100_000)
    }
  }

  // MARK: Writing

  @Test func `the responses of many streams leave in few writes`() async throws {
    // On one worker, jobs run in the order in which they become ready. On several workers the writer may have written
    // the output of one handler before the next begins, if the thread that starts them is held up.
    try await Backend.custom.withRuntime(workers: 1, stalls: nil) { runtime in
      let (near, far) = MemoryStream.pair()
      let counting = WriteCountingStream(far)
      let serving = runtime.spawn {
        await serveConnection(
          counting, speaking: .http2, clock: ManualClock(), executor: runtime, options: .quiet,
          handler: HandlerFunction { _ in .text("hello") })
      }
      let client = HTTP2TestClient(near)
      try await client.start()
      _ = try await client.get("/")
      let before = counting.writes
      let heads = (0..<64).map { _ in client.head("GET", "/") }
      try await near.write(heads.flatMap(\.bytes))
      for head in heads {
        let response = try await client.readResponse(on: head.stream)
        #expect(response.text == "hello")
      }
      #expect(counting.writes - before <= 4)
      near.close()
      try await serving.value
    }
  }
}

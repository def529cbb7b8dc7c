import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import RuntimeHTTP

/// Whole connections of HTTP/2, over every transport.
@Suite(.timeLimit(.minutes(10))) struct HTTP2ConnectionTests {
  @Test(arguments: Transport.allCases)
  func `requests are answered one after another, and all at once`(_ transport: Transport) async throws {
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
  func `content goes both ways at once`(_ transport: Transport) async throws {
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
  func `trailers come both ways`(_ transport: Transport) async throws {
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
  func `a request without content is answered in a plain call where the handler can`(
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

  @Test func `a handler sees what it would see over HTTP1`() async throws {
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

  @Test func `a response to HEAD has no content, and says how much there would be`() async throws {
    try await withHTTP2(handler: { _ in .text("hello") }) { client in
      let response = try await client.request("HEAD", "/")
      #expect(response.status == 200 && response.body.isEmpty && response["content-length"] == "5")
    }
  }

  // MARK: What goes wrong

  private struct Bug: Error {}

  @Test func `an error of a handler's is a 500, and costs one response`() async throws {
    let log = Log()
    try await withHTTP2(
      options: log.options,
      handler: { request in
        switch request.path {
        case "/bug": throw Bug()
        case "/teapot": throw HTTPError(.notFound, "none here")
        case "/interim": return Response(status: .continue)
        case "/stream": return Response(body: .stream { _ in throw Bug() })
        default: return .text("fine")
        }
      }
    ) { client in
      #expect(try await client.get("/bug").status == 500)
      #expect(try await client.get("/stream").status == 500)
      #expect(try await client.get("/interim").status == 500)
      let response = try await client.get("/teapot")
      #expect(response.status == 404 && response.text == "none here\n")
      try await client.expectAnswer()
    }
    #expect(log.lines.count == 3 && log.lines.contains { $0.contains("Bug") })
  }

  @Test func `an error after the head has gone out resets the stream, and no other`() async throws {
    let log = Log()
    try await withHTTP2(
      options: log.options,
      handler: { request in
        guard request.path == "/" else { return .text("fine") }
        return Response(
          body: .stream { writer in
            try await writer.write("half")
            throw Bug()
          })
      }
    ) { client in
      let stream = try await client.send("GET", "/")
      #expect(try await client.readReset(on: stream) == ErrorCode.internalError.rawValue)
      try await client.expectAnswer()
    }
    #expect(log.lines.count == 1)
  }

  @Test func `less content than was promised resets the stream`() async throws {
    try await withHTTP2(handler: { _ in Response(body: .stream(length: 9) { try await $0.write("short") }) }) {
      client in
      let stream = try await client.send("GET", "/")
      #expect(try await client.readReset(on: stream) == ErrorCode.internalError.rawValue)
    }
  }

  @Test func `a stream that the client resets has its handler cancelled at once`() async throws {
    let (hasBegun, isCancelled) = (Gate(), Gate())
    try await withHTTP2(
      handler: { request in
        guard request.path == "/" else { return .text("fine") }
        await withTaskCancellationHandler {
          hasBegun.open()
          await isCancelled.wait()
        } onCancel: {
          isCancelled.open()
        }
        return .text("never read")
      }
    ) { client in
      let stream = try await client.send("GET", "/")
      await hasBegun.wait()
      try await client.reset(stream)
      await isCancelled.wait()
      try await client.expectAnswer()
      #expect(client.statuses(on: stream).isEmpty)
    }
  }

  @Test func `all handlers are cancelled when the connection is gone, and their end is waited for`() async throws {
    let running = Atomic<Int>(0)
    let hasBegun = (0..<5).map { _ in Gate() }
    try await withHTTP2(
      handler: { request in
        running.add(1, ordering: .sequentiallyConsistent)
        defer { running.subtract(1, ordering: .sequentiallyConsistent) }
        let isCancelled = Gate()
        let number = Int(request.path.dropFirst()) ?? 0
        await withTaskCancellationHandler {
          hasBegun[number].open()
          await isCancelled.wait()
        } onCancel: {
          isCancelled.open()
        }
        return .text("")
      }
    ) { client in
      for number in 0..<5 { _ = try await client.send("GET", "/\(number)") }
      for gate in hasBegun { await gate.wait() }
      client.stream.close()
    }
    #expect(running.load(ordering: .sequentiallyConsistent) == 0)
  }

  @Test func `reading and writing on a stream that was reset are errors that say so`() async throws {
    let errors = Lock<[BodyError]>([])
    let hasBegun = Gate()
    let isOver = Gate()
    try await withHTTP2(
      handler: { request in
        Response(
          body: .stream { writer in
            defer { isOver.open() }
            try await writer.flush()
            hasBegun.open()
            do { for try await _ in request.body {} } catch let error as BodyError {
              errors.withLock { $0.append(error) }
            }
            do { try await writer.write("x") } catch let error as BodyError {
              errors.withLock { $0.append(error) }
              throw error
            }
          })
      }
    ) { client in
      let stream = try await client.send("POST", "/", ends: false)
      await hasBegun.wait()
      try await client.reset(stream)
      await isOver.wait()
    }
    #expect(errors.withLock { $0 } == [.disconnected, .disconnected])
  }

  @Test func `a body that is used after its response is an error`() async throws {
    try await inVirtualTime { clock in
      let kept = Lock<RequestBody?>(nil)
      try await withHTTP2(
        clock: clock,
        handler: { request in
          kept.withLock { $0 = request.body }
          return .text("early")
        }
      ) { client in
        let stream = try await client.send("POST", "/", ends: false)
        #expect(try await client.readResponse(on: stream).text == "early")
        // What it still sends is thrown away, until it is told that it need not; which is soon, however much comes.
        try await client.send([UInt8](repeating: 0, count: 65_535), on: stream)
        #expect(try await client.readReset(on: stream) == ErrorCode.none.rawValue)
        #expect(clock.now.offset <= .seconds(5))
        let body = try #require(kept.withLock { $0 })
        await #expect(throws: BodyError.ended) { for try await _ in body {} }
        try await client.expectAnswer()
      }
    }
  }

  @Test func `two that read at once are one too many`() async throws {
    let isReading = Gate()
    try await withHTTP2(
      handler: { request in
        let first = Task {
          var count = 0
          for try await chunk in request.body {
            count += chunk.count
            isReading.open()
          }
          return count
        }
        await isReading.wait()
        var error: BodyError?
        // The first may not wait again yet; then this waits in its place, and the first is the one too many.
        do { for try await _ in request.body {} } catch let caught as BodyError { error = caught }
        let other = await first.result
        if case .failure(let caught as BodyError) = other { error = caught }
        return .text("\(error == .busy)")
      }
    ) { client in
      let stream = try await client.send("POST", "/", ends: false)
      try await client.send([1], on: stream)
      await isReading.wait()
      for _ in 0..<100 { await Task.yield() }
      try await client.send([2], on: stream, ends: true)
      let response = try await client.readResponse(on: stream)
      #expect(response.text == "true" || response.text == "false")
    }
  }

  // MARK: Interim responses

  @Test(arguments: Transport.allCases)
  func `a client that waits for a 100 gets one when its content is read`(_ transport: Transport) async throws {
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
  func `a handler that does not read stops its peer, and nobody else`(_ transport: Transport) async throws {
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
      // Three times what the connection began with goes by it.
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
  func `a peer that does not open its window parks the handler, and nobody else`(_ transport: Transport) async throws {
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
      // What is not sent is bounded: the handler has not got further than that.
      #expect(written.load(ordering: .relaxed) <= 20_000)
      #expect(client.body(on: stream).count == 10)
      try await client.openWindow(of: stream, by: 100_000)
      try await client.openWindow(of: 0, by: 100_000)
      #expect(try await client.readResponse(on: stream).body.count == 100_000)
    }
  }

  // MARK: Writing

  @Test func `what many streams have to send leaves in few writes`() async throws {
    // On one worker jobs run in the order in which they become ready. On more the writer may be done with what one handler
    // has left before the next has begun, whenever the thread that starts them is held up.
    try await Backend.custom.withRuntime(workers: 1) { runtime in
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

  // MARK: Who speaks what

  @Test func `a connection that a TLS handshake has agreed on is served as such`() async throws {
    #expect(ApplicationProtocol(alpn: "h2") == .http2)
    #expect(ApplicationProtocol(alpn: "http/1.1") == .http1)
    #expect(ApplicationProtocol(alpn: "spdy/1") == nil)
    let (near, far) = MemoryStream.pair()
    let handler = HandlerFunction { .text("\($0.version)") }
    async let served: Void = serveConnection(
      far, speaking: .http2, clock: ManualClock(), options: .quiet, handler: handler)
    let client = HTTP2TestClient(near)
    // Here the server speaks first: its settings are there before the client has said a word.
    try await near.readable()
    try await client.start()
    #expect(try await client.get("/").text == "HTTP/2")
    near.close()
    await served
  }

  @Test func `where HTTP1 was agreed on, nothing else is spoken`() async throws {
    let (near, far) = MemoryStream.pair()
    let handler = HandlerFunction { .text("\($0.version)") }
    async let served: Void = serveConnection(
      far, speaking: .http1, clock: ManualClock(), options: .quiet, handler: handler)
    let client = HTTPTestClient(near)
    let response = try await client.get("/", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: ")
    #expect(response.text == "HTTP/1.1")
    try await near.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    #expect(try await client.readResponse().status == 505)
    near.close()
    await served
  }

  @Test(arguments: Transport.allCases)
  func `a client of HTTP1 may ask to go on with HTTP2`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: { .text("\($0.path) \($0.headers.count)") }) { http1 in
      try await http1.send(
        "GET /first HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
          + "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n")
      let response = try await http1.readHead()
      #expect(response.status == 101 && response["upgrade"] == "h2c")
      let client = HTTP2TestClient(http1.stream, after: http1)
      try await client.start()
      let first = try await client.readResponse(on: 1)
      #expect(first.text == "/first 1")
      #expect(try await client.get("/second").text == "/second 1")
    }
  }

  @Test(arguments: [
    "Connection: Upgrade\r\nUpgrade: h2c\r\n",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: !\r\n",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\nHTTP2-Settings: \r\n",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: websocket\r\nHTTP2-Settings: \r\n",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\nContent-Length: 1\r\n",
    "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n",
  ])
  func `an offer that is not made rightly is answered by HTTP1`(_ fields: String) async throws {
    try await withConnection(handler: { .text("\($0.version)") }) { client in
      try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
      #expect(try await client.readResponse().text == "HTTP/1.1")
    }
  }

  @Test func `the preface is one only where a connection begins`() async throws {
    try await withConnection(handler: { .text("\($0.version)") }) { client in
      #expect(try await client.get("/").text == "HTTP/1.1")
      try await client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
      #expect(try await client.readResponse().status == 505)
    }
  }

  @Test(arguments: Transport.allCases)
  func `8_2_2 a handler that says Connection close has the connection end with what is under way`(
    _ transport: Transport
  ) async throws {
    try await withHTTP2(
      over: transport,
      handler: { request in Response(headers: request.path == "/last" ? ["Connection": "close"] : [:]) }
    ) { client in
      let last = try await client.send("GET", "/last")
      let other = try await client.send("GET", "/")
      for stream in [last, other] {
        let response = try await client.readResponse(on: stream)
        #expect(response.status == 200 && response["connection"] == nil)
      }
      try await client.readToEnd()
    }
  }

  @Test func `a client that is wrong is told how, and the end is let known`() async throws {
    try await withHTTP2(handler: { _ in .text("") }) { client in
      try await client.expectAnswer()
      try await client.stream.write(HTTP2Client.frame(6, payload: [1]))
      #expect(try await client.readGoAway() == ErrorCode.frameSizeError.rawValue)
      try await client.readToEnd()
    }
  }
}

/// A stream that counts what is written to it.
final class WriteCountingStream<Base: ByteStream>: ByteStream {
  private let base: Base
  private let count = Atomic<Int>(0)

  init(_ base: Base) { self.base = base }

  var writes: Int { count.load(ordering: .relaxed) }

  func readable() async throws(IOError) { try await base.readable() }
  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int { try await base.read(into: &buffer) }
  func write(_ bytes: RawSpan) async throws(IOError) {
    count.add(1, ordering: .relaxed)
    try await base.write(bytes)
  }
  func shutdownWrite() throws(IOError) { try base.shutdownWrite() }
  func close() { base.close() }
}

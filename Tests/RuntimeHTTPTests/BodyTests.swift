import RuntimePrimitives
import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

/// Middleware that wraps the content of requests and responses.
@Suite struct BodyTests {
  /// Answers `POST /` with the request's content as it arrives, and `GET /` and `GET /stream` with content of both
  /// kinds.
  private static func router(_ middleware: any Middleware) -> Router {
    var router = Router()
    router.group(using: [middleware]) { group in
      group.post("/") { request in Response(body: .stream(request.body)) }
      group.get("/") { _ in .text("hello") }
      group.get("/stream") { _ in
        Response(
          body: .stream { writer in
            try await writer.write("hel")
            try await writer.write("lo")
          })
      }
      group.get("/fails") { _ in
        Response(
          body: .stream { writer in
            try await writer.write("hel")
            throw Failure()
          })
      }
    }
    return router
  }

  private struct Failure: Error {}

  private static func post(_ text: String, _ client: Client) async throws -> TestResponse {
    let head = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(text.utf8.count)\r\n\r\n"
    var response: TestResponse?
    try await client.send(head + text) { response = try await $0.readResponse() }
    return try #require(response)
  }

  // MARK: Middleware

  private struct Meter: ImmediateMiddleware {
    let received = Counter()
    let sent = Counter()

    func before(_ request: inout Request) -> Response? {
      let length = request.body.length
      request.body = request.body.mapping(length: length) { [received] chunk in
        received.add(chunk.count)
        return chunk
      }
      return nil
    }

    func after(_ response: inout Response, to request: Request) {
      response.body = response.body.mapping(length: response.body.length) { [sent] chunk in
        sent.add(chunk.count)
        return chunk
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `middleware measures content in both directions`(_ transport: Transport) async throws {
    let meter = Meter()
    let content = String(repeating: "abc", count: 30_000)
    try await withConnection(over: transport, handler: Self.router(meter)) { client async throws in
      let echo = try await Self.post(content, client)
      #expect(echo.text == content)
      #expect(meter.received.count == 90_000 && meter.sent.count == 90_000)
      #expect(try await client.get("/")["Content-Length"] == "5")
      #expect(try await client.get("/stream").text == "hello")
      #expect(meter.received.count == 90_000 && meter.sent.count == 90_010)
    }
  }

  private struct Uppercase: ImmediateMiddleware {
    func after(_ response: inout Response, to request: Request) {
      response.body = response.body.mapping { chunk in chunk.map { $0 &- 0x61 < 26 ? $0 ^ 0x20 : $0 } }
    }
  }

  @Test(arguments: Transport.allCases)
  func `middleware changes content, and content in memory stays in memory`(_ transport: Transport) async throws {
    let router = Self.router(Uppercase())
    let inMemory = try #require(try router.respondAtOnce(to: Request(target: "/")))
    #expect(inMemory.body.length == 5)
    try await withConnection(over: transport, handler: router) { client async throws in
      for target in ["/", "/stream"] { #expect(try await client.get(target).text == "HELLO") }
    }
  }

  /// Sends a digest of the content in the trailers.
  private struct DigestTrailer: ImmediateMiddleware {
    func after(_ response: inout Response, to request: Request) {
      response.headers["Trailer"] = "Digest"
      response.body = .stream { [body = response.body] writer in
        let sum = Counter()
        let summing = writer.mapping { chunk in
          for byte in chunk { sum.add(Int(byte)) }
          return chunk
        }
        try await body.write(to: summing)
        try writer.setTrailers(["Digest": "sum=\(sum.count)"])
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `a digest follows the content as a trailer`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: Self.router(DigestTrailer())) { client async throws in
      for target in ["/", "/stream"] {
        let response = try await client.get(target)
        #expect(response.text == "hello")
        #expect(response.trailers.map(\.value) == ["sum=532"])
      }
    }
    try await withHTTP2(over: transport, handler: Self.router(DigestTrailer())) { client async throws in
      for target in ["/", "/stream"] {
        let response = try await client.get(target)
        #expect(response.text == "hello")
        #expect(response.trailers.map(\.value) == ["sum=532"])
      }
    }
  }

  /// Decodes a request's content, two hexadecimal digits per byte.
  private struct Decoder: ImmediateMiddleware {
    struct Decoded: AsyncSequence, Sendable {
      let base: RequestBody

      struct Iterator: AsyncIteratorProtocol {
        var base: RequestBody.Iterator
        var digit: UInt8?

        mutating func next() async throws -> [UInt8]? {
          guard let chunk = try await base.next() else {
            if digit != nil { throw HTTPError(.badRequest, "Half a byte is missing.") }
            return nil
          }
          var bytes: [UInt8] = []
          for character in chunk {
            guard let value = character.hexadecimalValue else { throw HTTPError(.badRequest, "That is no digit.") }
            if let high = digit.take() { bytes.append(high << 4 | value) } else { digit = value }
          }
          return bytes
        }
      }

      func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator()) }
    }

    func before(_ request: inout Request) -> Response? {
      request.body = RequestBody(Decoded(base: request.body), replacing: request.body)
      return nil
    }
  }

  @Test(arguments: Transport.allCases)
  func `decoded content replaces the content of a request`(_ transport: Transport) async throws {
    var router = Router()
    router.post("/", using: [Decoder()]) { request in .text(try await request.text()) }
    try await withConnection(over: transport, handler: router) { client async throws in
      #expect(try await Self.post("68656c6c6f", client).text == "hello")
      #expect(try await Self.post("6865x", client).text == "That is no digit.\n")
    }
    try await withConnection(over: transport, handler: router) { client async throws in
      #expect(try await Self.post("68656", client).text == "Half a byte is missing.\n")
    }
  }

  /// Reads a request's content chunk by chunk, and refuses content with an exclamation mark.
  private struct Censor: Middleware {
    func respond(to request: Request, next: any Handler) async throws -> Response {
      var request = request
      var content: [UInt8] = []
      for try await chunk in request.body {
        guard !chunk.contains(UInt8(ascii: "!")) else { return .text("Not so loud.", status: .badRequest) }
        content += chunk
      }
      request.body = RequestBody(content)
      return try await next.respond(to: request)
    }
  }

  @Test(arguments: Transport.allCases)
  func `middleware reads the content before the handler gets it`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: Self.router(Censor())) { client async throws in
      #expect(try await Self.post("hello", client).text == "hello")
      #expect(try await Self.post("hello!", client).text == "Not so loud.")
    }
  }

  private struct Span: Middleware {
    @TaskLocal static var current = "none"

    func respond(to request: Request, next: any Handler) async throws -> Response {
      var response = try await Self.$current.withValue("some") { try await next.respond(to: request) }
      response.body = response.body.wrapping { produce in
        try await Self.$current.withValue("some") { try await produce() }
      }
      return response
    }
  }

  @Test(arguments: Transport.allCases)
  func `a task-local value that middleware sets for the handler is also set while content is written`(
    _ transport: Transport
  ) async throws {
    var router = Router()
    router.get("/", using: [Span()]) { _ async in
      let before = Span.current
      return Response(body: .stream { try await $0.write("\(before) \(Span.current)") })
    }
    try await withConnection(over: transport, handler: router) { client async throws in
      #expect(try await client.get("/").text == "some some")
    }
    #expect(Response.text("a").body.wrapping { _ in Issue.record("there is nothing to run") }.length == 1)
  }

  // MARK: The end of the content

  private final class Ends: ImmediateMiddleware {
    let log = Lock<[String]>([])
    let isOver = Gate()

    func after(_ response: inout Response, to request: Request) {
      response.body = response.body.onEnd { [self] result in
        let text =
          switch result {
          case .success: "sent"
          case .failure(let error): error is Failure ? "failed" : "\(error)"
          }
        log.withLock { $0.append("\(request.method) \(request.path) \(text)") }
        isOver.open()
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `the end of content is reported once`(_ transport: Transport) async throws {
    let ends = Ends()
    try await withConnection(over: transport, handler: Self.router(ends)) { client async throws in
      let response = try await client.get("/")
      #expect(response.text == "hello" && response["Content-Length"] == "5")
      #expect(try await client.get("/stream").text == "hello")
      #expect(try await client.request("HEAD", "/stream").status == 200)
      try await client.send("GET /fails HTTP/1.1\r\nHost: a\r\n\r\n")
      _ = try await client.readToEnd()
    }
    #expect(
      ends.log.withLock { $0 } == ["GET / sent", "GET /stream sent", "HEAD /stream sent", "GET /fails failed"])
  }

  @Test func `the end of content is reported even if the content is discarded`() async throws {
    let ends = Ends()
    var router = Router()
    router.get("/", using: [ends]) { _ in .text("a") }
    var response = try router.respondAtOnce(to: Request(target: "/"))
    #expect(ends.log.withLock { $0 }.isEmpty)
    response?.body = .empty
    #expect(ends.log.withLock { $0 } == ["GET / sent"])
  }

  @Test(arguments: Transport.allCases)
  func `a client that leaves is reported as an error`(_ transport: Transport) async throws {
    let ends = Ends()
    var router = Router()
    router.get("/", using: [ends]) { _ in
      Response(body: .stream { writer in while true { try await writer.write([UInt8](repeating: 0, count: 10_000)) } })
    }
    try await withHTTP2(over: transport, handler: router) { client async throws in
      let stream = try await client.send("GET", "/")
      _ = try await client.readHead(on: stream)
      try await client.reset(stream)
      await ends.isOver.wait()
    }
    #expect(ends.log.withLock { $0 } == ["GET / \(BodyError.disconnected)"])
  }

  // MARK: Content from a sequence

  private static func chunks(_ chunks: [String], failing: Bool = false) -> AsyncThrowingStream<[UInt8], any Error> {
    AsyncThrowingStream { continuation in
      for chunk in chunks { continuation.yield(Array(chunk.utf8)) }
      continuation.finish(throwing: failing ? Failure() : nil)
    }
  }

  @Test func `content from a sequence is read once`() async throws {
    let body = RequestBody(Self.chunks(["a", "", "bc"]), length: 3)
    #expect(body.length == 3)
    var iterator = body.makeAsyncIterator()
    #expect(try await iterator.next() == Array("a".utf8))
    #expect(try await body.collect(upTo: 10) == Array("bc".utf8))
    #expect(try await body.collect(upTo: 10) == [])
    await #expect(throws: HTTPError.self) { try await RequestBody(Self.chunks(["abc"])).collect(upTo: 2) }
  }

  @Test func `a sequence that has failed throws its error again`() async throws {
    let body = RequestBody(Self.chunks(["a"], failing: true))
    for _ in 0..<2 { await #expect(throws: Failure.self) { try await body.collect(upTo: 10) } }
  }

  @Test func `only one task at a time may read a sequence`() async throws {
    let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
    let (isReading, mayGoOn) = (Gate(), Gate())
    let body = RequestBody(
      stream.map { chunk in
        isReading.open()
        await mayGoOn.wait()
        return chunk
      })
    continuation.yield([1])
    async let first = body.collect(upTo: 10)
    await isReading.wait()
    await #expect(throws: BodyError.busy) { try await body.collect(upTo: 10) }
    mayGoOn.open()
    continuation.finish()
    #expect(try await first == [1])
  }

  @Test(arguments: Transport.allCases)
  func `replaced content keeps the trailers of the original`(_ transport: Transport) async throws {
    var router = Router()
    router.post("/") { request in
      let body = request.body.mapping { $0 + $0 }
      let text = String(decoding: try await body.collect(upTo: 100), as: UTF8.self)
      return .text("\(text) \(body.trailers["X-Sum"] ?? "none")")
    }
    try await withConnection(over: transport, handler: router) { client async throws in
      let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      try await client.send(head + "1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n") { client async throws in
        #expect(try await client.readResponse().text == "aa 1")
      }
    }
  }
}

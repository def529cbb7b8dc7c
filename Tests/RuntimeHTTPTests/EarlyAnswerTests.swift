import Runtime
import RuntimePrimitives
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// Responses that begin before the request's content has arrived (RFC 9112 section 9.6, RFC 9113 section 8.1).
@Suite(.timeLimit(.minutes(10))) struct EarlyAnswerTests {
  /// An upload, and the path that decides on its answer.
  struct Upload: CustomTestStringConvertible, Sendable {
    var length: Int
    var isChunked = false
    var path: String

    var testDescription: String { "\(length) bytes\(isChunked ? " in chunks" : "") to \(path)" }

    static let all = [64, 1024, 2048].flatMap { kilobytes in
      [false, true].flatMap { isChunked in
        ["/small", "/stream", "/large"].map { Upload(length: kilobytes * 1024, isChunked: isChunked, path: $0) }
      }
    }

    var bytes: [UInt8] {
      let content = [UInt8](repeating: UInt8(ascii: "x"), count: length)
      let head = "POST \(path) HTTP/1.1\r\nHost: a\r\n"
      if !isChunked { return Array("\(head)Content-Length: \(length)\r\n\r\n".utf8) + content }
      var bytes = Array("\(head)Transfer-Encoding: chunked\r\n\r\n".utf8)
      for start in stride(from: 0, to: length, by: 8192) {
        bytes += Array("2000\r\n".utf8) + content[start..<start + 8192] + Array("\r\n".utf8)
      }
      return bytes + Array("0\r\n\r\n".utf8)
    }
  }

  private static let large = [UInt8](repeating: 7, count: 100_000)

  /// Answers without reading the content, except on `/echo`, and on `/sniff`, where it reads the first chunk.
  @Sendable private static func handle(_ request: Request) async throws -> Response {
    switch request.path {
    case "/stream":
      return Response(
        body: .stream { writer in
          for _ in 0..<3 { try await writer.write("early") }
        })
    case "/large": return Response(body: .bytes(large))
    case "/echo": return Response(body: .stream(length: request.body.length, request.body))
    case "/sniff":
      var chunks = request.body.makeAsyncIterator()
      let first = try await chunks.next()
      return Response(body: .stream { writer in try await writer.write(Array(first?.prefix(1) ?? [])) })
    default: return .text("early")
    }
  }

  /// All except one byte at a time, which is too slow for these uploads.
  static let transports = [Transport.whole, .lockstep, .sockets]

  // MARK: HTTP/1

  @Test(arguments: transports, Upload.all)
  func `after an early answer the connection persists, or the answer said that it does not`(
    _ transport: Transport, _ upload: Upload
  ) async throws {
    try await withConnection(over: transport, handler: Self.handle) { client in
      let stream = client.stream
      async let sent: Void = stream.write(upload.bytes)
      let response = try await client.readResponse()
      #expect(response.status == 200 && !response.body.isEmpty)
      try await sent
      if response["Connection"] == "close" {
        // An upload that is known to be short must not end the connection.
        #expect(upload.isChunked || upload.length > 1024 * 1024)
        try await client.expectEnd()
      } else {
        #expect(try await client.get("/next").text == "early")
      }
    }
  }

  @Test(arguments: transports, [64 * 1024, 1024 * 1024])
  func `a handler that reads while it answers keeps the connection, even if it stops reading`(
    _ transport: Transport, _ length: Int
  ) async throws {
    try await withConnection(over: transport, handler: Self.handle) { client in
      for path in ["/echo", "/sniff"] {
        let upload = Upload(length: length, isChunked: true, path: path)
        let stream = client.stream
        async let sent: Void = stream.write(upload.bytes)
        let response = try await client.readResponse()
        #expect(response["Connection"] == nil)
        #expect(response.body.count == (path == "/echo" ? length : 1))
        try await sent
      }
      #expect(try await client.get("/next").text == "early")
    }
  }

  @Test func `content that is too long before a change of protocol gets a 413`() async throws {
    try await withConnection(handler: { _ in .upgrade(to: "echo") { _ in } }) { client in
      let head = "POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 3000000\r\n\r\n"
      try await client.send(head + String(repeating: "x", count: 3_000_000)) { client in
        let response = try await client.readResponse()
        #expect(response.status == 413 && response["Connection"] == "close")
        try await client.expectEnd()
      }
    }
  }

  // MARK: HTTP/2

  @Test(arguments: transports, ["/small", "/stream", "/large"])
  func `an HTTP/2 client that sends a whole short upload before it reads gets its answer and no reset`(
    _ transport: Transport, _ path: String
  ) async throws {
    var options = ServerOptions.quiet
    options.http2.initialStreamWindow = 16 * 1024
    try await withHTTP2(over: transport, options: options, handler: Self.handle) { client in
      let stream = try await client.send("POST", path, ends: false)
      // The client reads frames only when it has no window to send.
      try await client.send([UInt8](repeating: 1, count: 200_000), on: stream, ends: true)
      let response = try await client.readResponse(on: stream)
      #expect(response.status == 200 && !response.body.isEmpty)
      #expect(client.error(on: stream) == nil)
      try await client.expectAnswer()
      #expect(client.error(on: stream) == nil)
    }
  }

  @Test(arguments: [true, false])
  func `an HTTP/2 client with a long upload gets its answer, then is told to stop sending`(
    _ saysLength: Bool
  ) async throws {
    try await inVirtualTime { clock in
      try await withHTTP2(clock: clock, handler: Self.handle) { client in
        let fields = saysLength ? [("content-length", "3000000")] : []
        let stream = try await client.send("POST", "/small", fields, ends: false)
        let start = clock.now
        try await client.send([UInt8](repeating: 1, count: 2_000_000), on: stream)
        #expect(client.body(on: stream) == Array("early".utf8))
        #expect(try await client.readReset(on: stream) == ErrorCode.none.rawValue)
        // The client had the time to see its answer, and did not have to wait long.
        #expect(start.duration(to: clock.now) >= .seconds(1) && start.duration(to: clock.now) <= .seconds(4))
        try await client.expectAnswer()
      }
    }
  }

  @Test(arguments: transports)
  func `content that a handler wrote before it failed is sent before the reset`(_ transport: Transport) async throws {
    struct Bug: Error {}
    // More than the client's window, so that the rest has to wait.
    let written = [UInt8](repeating: 5, count: 100_000)
    try await withHTTP2(
      over: transport,
      handler: { request in
        if request.path == "/hello" { return .text("") }
        return Response(
          body: .stream { writer in
            try await writer.write(request.path == "/long" ? written : Array("short".utf8))
            throw Bug()
          })
      }
    ) { client in
      for (path, content) in [("/short", Array("short".utf8)), ("/long", written)] {
        let stream = try await client.send("GET", path)
        #expect(try await client.readReset(on: stream) == ErrorCode.internalError.rawValue)
        #expect(client.body(on: stream) == content)
      }
      try await client.expectAnswer()
    }
  }
}

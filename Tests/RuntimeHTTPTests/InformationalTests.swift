import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// Informational responses that a handler sends before its final response (RFC 9110 section 15.2, RFC 8297).
@Suite(.timeLimit(.minutes(10))) struct InformationalTests {
  private static let hints: HeaderFields = [
    "Link": "</style.css>; rel=preload", "Connection": "close", "Content-Length": "7", "Transfer-Encoding": "chunked",
  ]

  /// Sends hints, then the response that the path asks for.
  @Sendable private static func handle(_ request: Request) async throws -> Response {
    try await request.sendInformational(.earlyHints, hints)
    switch request.path {
    case "/twice":
      try await request.sendInformational(Status(102))
      return .text("twice")
    case "/stream":
      return Response(
        body: .stream { writer in
          try await writer.write("stream")
          await #expect(throws: BodyError.ended) { try await request.sendInformational(.earlyHints) }
        })
    case "/error": throw HTTPError(.notFound)
    case "/wrong":
      try await request.sendInformational(.switchingProtocols)
      return .text("")
    case "/content": return .text(String(decoding: try await request.body.collect(upTo: 1000), as: UTF8.self))
    default: return .text("plain")
    }
  }

  @Test(arguments: Transport.allCases)
  func `HTTP/1 sends informational responses before every kind of response`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: Self.handle) { client in
      for (path, status, text) in [("/", 200, "plain"), ("/stream", 200, "stream"), ("/error", 404, nil)] {
        let hints = try await client.get(path)
        #expect(hints.status == 103 && hints.reason == "Early Hints")
        #expect(hints.fields.map(\.name) == ["Link"])
        let response = try await client.readResponse()
        #expect(response.status == status)
        if let text { #expect(response.text == text) }
      }
      var statuses = [try await client.get("/twice").status]
      for _ in 0..<2 { statuses.append(try await client.readResponse().status) }
      #expect(statuses == [103, 102, 200])
    }
  }

  @Test func `HTTP/1 sends informational responses before the content arrives, and a 100 after them`() async throws {
    try await withConnection(handler: Self.handle) { client in
      try await client.send(
        "POST /content HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
      #expect(try await client.readResponse().status == 103)
      #expect(try await client.readResponse().status == 100)
      try await client.send("hi")
      #expect(try await client.readResponse().text == "hi")
    }
  }

  @Test func `HTTP/1_0 clients get no informational responses`() async throws {
    try await withConnection(handler: Self.handle) { client in
      try await client.send("GET / HTTP/1.0\r\n\r\n")
      #expect(try await client.readResponse().status == 200)
    }
  }

  @Test func `a handler that sends another status as an informational response has failed`() async throws {
    let log = Log()
    try await withConnection(options: log.options, handler: Self.handle) { client in
      let hints = try await client.get("/wrong")
      #expect(hints.status == 103)
      #expect(try await client.readResponse().status == 500)
    }
    #expect(log.lines.count == 1 && log.lines[0].contains("102 to 199"))
  }

  @Test func `a request sends no informational response after its final response`() async throws {
    let kept = Lock<Request?>(nil)
    try await withConnection(handler: { request in
      kept.withLock { $0 = request }
      return .text("")
    }) { client in
      #expect(try await client.get("/").status == 200)
      let request = try #require(kept.withLock { $0 })
      await #expect(throws: BodyError.ended) { try await request.sendInformational(.earlyHints) }
      #expect(try await client.get("/").status == 200)
    }
  }

  @Test func `a request without a connection sends no informational responses`() async throws {
    let response = try await Self.handle(Request(target: "/"))
    #expect(response.status == .ok)
  }

  @Test(arguments: Transport.allCases)
  func `HTTP/2 sends informational responses before every kind of response`(_ transport: Transport) async throws {
    try await withHTTP2(over: transport, handler: Self.handle) { client in
      for (path, status) in [("/", 200), ("/stream", 200), ("/error", 404)] {
        let stream = try await client.send("GET", path)
        let response = try await client.readResponse(on: stream)
        #expect(response.status == status)
        #expect(client.statuses(on: stream) == ["103", "\(status)"])
      }
      let twice = try await client.send("GET", "/twice")
      _ = try await client.readResponse(on: twice)
      #expect(client.statuses(on: twice) == ["103", "102", "200"])
      let stream = try await client.send("POST", "/content", ends: false)
      let hints = try await client.readHead(on: stream)
      #expect(hints.status == 103 && hints.fields.map(\.name) == ["link"])
      try await client.send(Array("hi".utf8), on: stream, ends: true)
      #expect(try await client.readResponse(on: stream).text == "hi")
    }
  }

  @Test func `HTTP/2 suspends a handler that sends more informational responses than the client reads`() async throws {
    let sent = Lock(0)
    let link = String(repeating: "x", count: 1000)
    try await withHTTP2(
      over: .lockstep,
      handler: { request in
        for number in 0..<1000 {
          try await request.sendInformational(.earlyHints, ["Link": "\(link)\(number)"])
          sent.withLock { $0 += 1 }
        }
        return .text("at last")
      }
    ) { client in
      let stream = try await client.send("GET", "/")
      _ = try await client.readHead(on: stream)
      // In lockstep the handler has made no more than two buffers hold.
      #expect(sent.withLock(\.self) < 100)
      let response = try await client.readResponse(on: stream)
      #expect(response.text == "at last" && client.statuses(on: stream).count == 1001)
    }
  }
}

import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import RuntimeHTTP

/// Handlers that fail: what the client sees, and what is logged.
@Suite(.timeLimit(.minutes(10))) struct HandlerFailureTests {
  @Test(arguments: Transport.allCases)
  func `a handler that throws gives a 500 without details of the error, and the connection persists`(
    _ transport: Transport
  ) async throws {
    struct Secret: Error {}
    let log = Log()
    try await withConnection(
      over: transport, options: log.options,
      handler: { request in
        if request.path == "/bad" { throw Secret() }
        return .text("fine")
      }
    ) { client in
      try await client.send("POST /bad HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello") { client in
        let response = try await client.readResponse()
        #expect(response.status == 500)
        #expect(!response.text.contains("Secret"))
      }
      #expect(try await client.get("/good").text == "fine")
    }
    #expect(log.lines == ["POST /bad: Secret()"])
  }

  @Test(arguments: Transport.allCases)
  func `refused blocking work gives a 503 with Retry-After, and is not logged`(
    _ transport: Transport
  ) async throws {
    let log = Log()
    try await withConnection(
      over: transport, options: log.options, handler: { _ in throw BlockingWorkRefused(BlockingLimits()) }
    ) { client in
      for _ in 0..<2 {
        let response = try await client.get("/")
        #expect(response.status == 503)
        #expect(response["Retry-After"] == "1")
      }
    }
    #expect(log.lines.isEmpty)
  }

  @Test(arguments: Transport.allCases)
  func `the text of an error cannot forge a line of the log`(_ transport: Transport) async throws {
    struct Quote: Error, CustomStringConvertible {
      let description: String
    }
    let log = Log()
    try await withConnection(
      over: transport, options: log.options, handler: { _ in throw Quote(description: "no\r\nGET /b: \u{1B}[2J") }
    ) { client in
      let response = try await client.get("/a%0Ab")
      #expect(response.status == 500)
    }
    #expect(log.lines == [#"GET /a%0Ab: no\r\nGET /b: \u{1B}[2J"#])
  }

  @Test(arguments: Transport.allCases)
  func `an HTTPError gives its response and is not logged`(_ transport: Transport) async throws {
    let log = Log()
    try await withConnection(over: transport, options: log.options, handler: { _ in throw HTTPError(.conflict, "no") })
    { client in
      for _ in 0..<2 {
        let response = try await client.get("/")
        #expect(response.status == 409)
        #expect(response.text == "no\n")
      }
    }
    #expect(log.lines.isEmpty)
  }

  @Test(arguments: Transport.allCases)
  func `a stream that fails after it has begun is cut off`(_ transport: Transport) async throws {
    struct Failure: Error {}
    let log = Log()
    try await withConnection(
      over: transport, options: log.options,
      handler: { _ in
        Response(
          body: .stream { writer in
            try await writer.write("some")
            throw Failure()
          })
      }
    ) { client in
      try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await client.readHead().status == 200)
      #expect(try await client.readChunk() == Array("some".utf8))
      try await client.expectEnd()
    }
    #expect(log.lines == ["GET /: Failure()"])
  }

  @Test(arguments: Transport.allCases)
  func `a stream that fails before it has begun gives an error response`(_ transport: Transport) async throws {
    struct Failure: Error {}
    try await withConnection(over: transport, handler: { _ in Response(body: .stream { _ in throw Failure() }) }) {
      client in
      for _ in 0..<2 {
        let response = try await client.get("/")
        #expect(response.status == 500)
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `a stream shorter or longer than declared ends the connection, and never has wrong framing`(
    _ transport: Transport
  ) async throws {
    for text in ["ab", "abcd"] {
      try await withConnection(
        over: transport,
        handler: { _ in
          Response(
            body: .stream(length: 3) { writer in
              try await writer.write("a")
              try await writer.write(String(text.dropFirst()))
            })
        }
      ) { client in
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(try await client.readHead()["Content-Length"] == "3")
        #expect(try await client.readToEnd().count < 3)
      }
    }
  }

  @Test func `an HTTPError with status 500 gives its own message`() async throws {
    try await withConnection(handler: { _ in throw HTTPError(.internalServerError, "sorry") }) { client in
      let response = try await client.get("/")
      #expect(response.text == "sorry\n")
    }
  }

  @Test func `a status that is not final gives a 500`() async throws {
    let log = Log()
    try await withConnection(options: log.options, handler: { _ in Response(status: Status(99)) }) { client in
      let response = try await client.get("/")
      #expect(response.status == 500)
    }
    #expect(log.lines.count == 1)
  }
}

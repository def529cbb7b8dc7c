import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import RuntimeHTTP

/// Requests that are refused, and what happens to their connection.
@Suite(.timeLimit(.minutes(10))) struct RefusalTests {
  @Test(arguments: Transport.allCases)
  func `9112 11_2 - request smuggling is refused, and the connection is closed`(_ transport: Transport) async throws {
    let smuggled = "GET /secret HTTP/1.1\r\nHost: a\r\n\r\n"
    let requests = [
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\(smuggled)",
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n\(smuggled)",
      "GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n\(smuggled)",
      "GET / HTTP/1.1\nHost: a\n\n\(smuggled)",
    ]
    for request in requests {
      try await withConnection(
        over: transport,
        handler: { request in
          Issue.record("\(request.path) was not refused")
          return .text("")
        }
      ) { client in
        try await client.send(request) { client in
          let response = try await client.readResponse()
          #expect(response.status == 400)
          #expect(response["Connection"] == "close")
          try await client.expectEnd()
        }
      }
    }
  }

  @Test(arguments: [
    "HEAD / HTTP/1.1\r\n\r\n", "HEAD / HTTP/2.0\r\n", "HEAD a HTTP/1.1\r\n", "HEAD / HTTP/1.1\r\nX : y\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\nHEAD / HTTP/1.1\r\n\r\n",
  ])
  func `9110 9_3_2 - the refusal of a HEAD request has no content`(_ request: String) async throws {
    let stream = ScriptedStream(request)
    await serveConnection(
      stream, clock: ManualClock(), options: .quiet, handler: HandlerFunction { _ in Response() })
    #expect(stream.writtenText.hasSuffix("Connection: close\r\n\r\n"))
  }

  @Test func `a refusal after a HEAD request has content`() async throws {
    let stream = ScriptedStream("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n")
    await serveConnection(
      stream, clock: ManualClock(), options: .quiet, handler: HandlerFunction { _ in Response() })
    #expect(!stream.writtenText.hasSuffix("\r\n\r\n"))
  }

  @Test func `responses before a malformed request are not lost`() async throws {
    let stream = ScriptedStream("GET / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n")
    await serveConnection(
      stream, clock: ManualClock(), options: .quiet, handler: HandlerFunction { _ in .text("fine") })
    #expect(stream.writtenText.contains("\r\n\r\nfineHTTP/1.1 400 Bad Request\r\n"))
    #expect(stream.hasFinishedWriting && stream.isClosed)
  }
}

import HTTPTypes
import IntegrationTestSupport
import RuntimeHTTP
import RuntimeHTTPTypes
import RuntimeSelection
import Testing

@Suite(.timeLimit(.minutes(2))) struct HTTPTypesHandlerTests {
  @Test(arguments: RuntimeKind.allCases)
  func `a handler in these types is served`(_ kind: RuntimeKind) async throws {
    let handler = HTTPTypesHandler { request, context in
      let link = try #require(HTTPField.Name("Link"))
      try await context.sendInformational(
        HTTPResponse(status: .earlyHints, headerFields: [link: "</s.css>; rel=preload"]))
      let content = try await context.body.collect(upTo: 100)
      let trailer = try context.body.trailerFields[.eTag] ?? "none"
      let line = "\(request.method) \(request.scheme ?? "-") \(request.authority ?? "-") \(request.path ?? "-")"
      return (
        HTTPResponse(status: .accepted, headerFields: [.setCookie: "a=1", .setCookie: "b=2"]),
        .stream { writer in
          try await writer.write("\(line) \(content.count) \(trailer)\n")
          try writer.setTrailers([.eTag: "\"1\""] as HTTPFields)
        }
      )
    }
    try await withServer(on: kind, handler: handler) { server in
      let answer = try await server.exchange(
        """
        POST /x?y HTTP/1.1\r
        Host: example.org:8080\r
        Transfer-Encoding: chunked\r
        TE: trailers\r
        Connection: close\r
        \r
        3\r
        abc\r
        0\r
        ETag: "2"\r
        \r

        """)
      #expect(
        answer.hasPrefix("HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\nHTTP/1.1 202 Accepted\r\n"))
      #expect(answer.contains("\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n"))
      #expect(answer.contains("POST http example.org:8080 /x?y 3 \"2\"\n"))
      #expect(answer.hasSuffix("\r\n0\r\nETag: \"1\"\r\n\r\n"))
    }
  }

  @Test func `a response that the engine cannot send becomes a 500`() async throws {
    let name = try #require(HTTPField.Name("X"))
    let handler = HTTPTypesHandler { _, _ in
      let fields = HTTPFields(CollectionOfOne(HTTPField(name: name, lenientValue: [0x01])))
      return (HTTPResponse(status: .ok, headerFields: fields), .empty)
    }
    var options = ServerOptions()
    options.log = { _ in }
    #expect(await handler.response(to: Request(target: "/"), options: options).status == .internalServerError)
  }
}

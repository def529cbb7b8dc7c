import Runtime
import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

/// Rules of both versions that clients and proxies depend on, on real sockets and each backend.
@Suite(.timeLimit(.minutes(10))) struct LeniencyTests {
  /// Answers without content, and declares the length if the path is `/said`.
  private static func empty(_ request: Request) -> Response {
    Response(headers: request.path == "/said" ? ["Content-Length": "0"] : [:])
  }

  @Test(arguments: Backend.allCases)
  func `9110 8_6 - a response to HEAD has no length of 0 that GET might not have`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      try await setup.serving({ Self.empty($0) }) { server in
        let http1 = try await setup.client(of: server)
        let http2 = try await setup.http2Client(of: server)
        for (method, path, length) in [("HEAD", "/", nil), ("HEAD", "/said", "0"), ("GET", "/", "0")] {
          #expect(try await http1.request(method, path)["Content-Length"] == length)
          #expect(try await http2.request(method, path)["content-length"] == length)
        }
        http1.stream.close()
        http2.stream.close()
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `9110 9_3_6 - a refused CONNECT ends an HTTP 1 connection, and an unknown method does not`(
    _ backend: Backend
  ) async throws {
    try await withSetup(on: backend) { setup in
      try await setup.serving({ try await Router().respond(to: $0) }) { server in
        let http1 = try await setup.client(of: server)
        for method in ["BREW", "PROPFIND", "BREW"] {
          let response = try await http1.request(method, "/")
          #expect(response.status == 501 && response["Connection"] == nil)
        }
        // The bytes after the CONNECT are for the other end of the tunnel.
        try await http1.send("CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\nGET / HTTP/1.1\r\nHost: b\r\n\r\n")
        let refusal = try await http1.readResponse()
        #expect(refusal.status == 501 && refusal["Connection"] == "close")
        try await http1.expectEnd()
        http1.stream.close()
        let http2 = try await setup.http2Client(of: server)
        #expect(try await http2.request("CONNECT", "b:443").status == 501)
        #expect(try await http2.request("BREW", "/").status == 501)
        http2.stream.close()
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `9113 8_3_1 - a request may have no authority`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      try await setup.serving({ .text($0.authority ?? "nobody") }) { server in
        let http1 = try await setup.client(of: server)
        try await http1.send("OPTIONS / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(try await http1.readResponse().text == "nobody")
        #expect(try await http1.get("/").text == "localhost")
        let http2 = try await setup.http2Client(of: server)
        let head = http2.head("OPTIONS", "/", authority: nil)
        try await http2.stream.write(head.bytes)
        #expect(try await http2.readResponse(on: head.stream).text == "nobody")
        #expect(try await http2.get("/").text == "localhost")
        http1.stream.close()
        http2.stream.close()
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `9113 8_2_3 - a cookie in many pieces is one field`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      try await setup.serving({ .text($0.headers.values(for: "Cookie").joined(separator: "|")) }) { server in
        let client = try await setup.http2Client(of: server)
        let pieces = (0..<200).map { "a\($0)=b" }
        let response = try await client.request("GET", "/", pieces.map { ("cookie", $0) })
        #expect(response.status == 200 && response.text == pieces.joined(separator: "; "))
        client.stream.close()
      }
    }
  }
}

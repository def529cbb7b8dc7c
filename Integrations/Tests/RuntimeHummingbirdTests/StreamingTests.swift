import HTTPTypes
import Hummingbird
import IntegrationTestSupport
import NIOCore
import RuntimeHummingbird
import RuntimeSelection
import Testing

/// Streamed content, both ways.
@Suite(.timeLimit(.minutes(2))) struct StreamingTests {
  /// More than the sockets and buffers between the two ends hold.
  private static let large = 64 * 1024 * 1024

  @Test(arguments: RuntimeKind.allCases)
  func `content is echoed while it arrives, with trailers both ways`(_ kind: RuntimeKind) async throws {
    let name = try #require(HTTPField.Name("X-Digest"))
    let router = Router(context: EngineContext.self)
    router.post("/echo") { request, context in
      Response(
        status: .ok,
        body: ResponseBody { writer in
          for try await buffer in request.body { try await writer.write(buffer) }
          let digest = try context.source.trailers[name] ?? "none"
          try await writer.finish([name: digest])
        })
    }
    try await withServer(on: kind, handler: HummingbirdHandler(router: router)) { server in
      let client = try await server.connect()
      try await client.send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTE: trailers\r\n\r\n")
      try await client.send("5\r\nfirst\r\n")
      #expect(try await client.read(until: "first\r\n").contains("\r\nTransfer-Encoding: chunked\r\n"))
      try await client.send("6\r\nsecond\r\n0\r\nX-Digest: d1\r\n\r\n")
      #expect(try await client.read(until: "\r\n\r\n") == "6\r\nsecond\r\n0\r\nX-Digest: d1\r\n\r\n")
      client.close()
    }
  }

  @Test(arguments: RuntimeKind.allCases)
  func `a client that does not read makes the route wait`(_ kind: RuntimeKind) async throws {
    let written = Counter()
    let router = Router()
    router.get("/") { _, _ in "hello" }
    router.get("/large") { _, _ in
      Response(
        status: .ok,
        body: ResponseBody(contentLength: Self.large) { writer in
          let piece = ByteBuffer(repeating: 0x61, count: 128 * 1024)
          for _ in 0..<Self.large / piece.readableBytes {
            try await writer.write(piece)
            written.add(piece.readableBytes)
          }
          try await writer.finish(nil)
        })
    }
    try await withServer(on: kind, handler: HummingbirdHandler(router: router)) { server in
      let client = try await server.connect()
      try await client.send("GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
      _ = try await client.read(until: "\r\n\r\n")
      // Enough time for a route that does not wait.
      for _ in 0..<100 { _ = try await server.exchange("GET / HTTP/1.0\r\n\r\n") }
      #expect(written.value < Self.large)
      #expect(try await client.countToEnd() == Self.large)
      #expect(written.value == Self.large)
    }
  }

  @Test(arguments: RuntimeKind.allCases)
  func `a route that does not read makes the client wait`(_ kind: RuntimeKind) async throws {
    let (gate, opener) = AsyncStream<Void>.makeStream()
    let sent = Counter()
    let router = Router()
    router.get("/") { _, _ in "hello" }
    router.post("/large") { request, _ in
      for await _ in gate {}
      var length = 0
      for try await buffer in request.body { length += buffer.readableBytes }
      return "\(length)"
    }
    try await withServer(on: kind, handler: HummingbirdHandler(router: router)) { server in
      let answer = Task {
        let client = try await server.connect()
        try await client.send(
          "POST /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: \(Self.large)\r\n\r\n")
        let piece = [UInt8](repeating: 0x61, count: 128 * 1024)
        for _ in 0..<Self.large / piece.count {
          try await client.send(piece)
          sent.add(piece.count)
        }
        return try await client.readToEnd()
      }
      for _ in 0..<100 { _ = try await server.exchange("GET / HTTP/1.0\r\n\r\n") }
      #expect(sent.value < Self.large)
      opener.finish()
      #expect(try await answer.value.hasSuffix("\r\n\r\n\(Self.large)"))
    }
  }
}

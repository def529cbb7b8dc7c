import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import RuntimeHTTP

/// How a connection begins to use HTTP/2, and how it ends.
@Suite(.timeLimit(.minutes(10))) struct HTTP2HandoverTests {
  @Test func `a connection is served over HTTP/2 if the TLS handshake agreed on it`() async throws {
    #expect(ApplicationProtocol(alpn: "h2") == .http2)
    #expect(ApplicationProtocol(alpn: "http/1.1") == .http1)
    #expect(ApplicationProtocol(alpn: "spdy/1") == nil)
    let (near, far) = MemoryStream.pair()
    let handler = HandlerFunction { .text("\($0.version)") }
    async let served: Void = serveConnection(
      far, speaking: .http2, clock: ManualClock(), options: .quiet, handler: handler)
    let client = HTTP2TestClient(near)
    // Here the server sends first: its settings arrive before the client has sent a byte.
    try await near.waitUntilReadable()
    try await client.start()
    #expect(try await client.get("/").text == "HTTP/2")
    near.close()
    await served
  }

  @Test func `a connection uses only HTTP1 if the handshake agreed on HTTP1`() async throws {
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
  func `an HTTP1 client may upgrade to HTTP2`(_ transport: Transport) async throws {
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
  func `a malformed upgrade to HTTP2 is answered over HTTP1`(_ fields: String) async throws {
    try await withConnection(handler: { .text("\($0.version)") }) { client in
      try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
      #expect(try await client.readResponse().text == "HTTP/1.1")
    }
  }

  @Test(arguments: [
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "PRI / HTTP/1.1\r\nHost: a\r\n\r\n", "PUT / HTTP/1.1\r\nHost: a\r\n\r\n",
  ])
  func `the protocol is detected however the first bytes are split`(_ start: String) async throws {
    let bytes = Array(start.utf8)
    for cut in 1..<bytes.count {
      try await withConnection(over: .lockstep, handler: { .text("\($0.version) \($0.method)") }) { http1 in
        try await http1.send(Array(bytes[..<cut]))
        try await http1.send(Array(bytes[cut...]))
        guard start.hasPrefix("PRI *") else {
          let text = try await http1.readResponse().text
          #expect(text == "HTTP/1.1 \(start.prefix(3))", "cut at \(cut)")
          return
        }
        try await http1.stream.write(HTTP2Client.frame(4))
        let frame = try await http1.stream.read()
        #expect(frame.count > 9 && frame[3] == 4, "cut at \(cut)")
      }
    }
  }

  @Test func `a client that sends only the beginning of the preface gets a 408`() async throws {
    try await inVirtualTime { clock in
      try await withConnection(clock: clock, handler: { _ in .text("") }) { client in
        try await client.send("PRI * HT")
        #expect(try await client.readResponse().status == 408)
        try await client.expectEnd()
      }
    }
  }

  @Test func `the preface is recognized only at the beginning of a connection`() async throws {
    try await withConnection(handler: { .text("\($0.version)") }) { client in
      #expect(try await client.get("/").text == "HTTP/1.1")
      try await client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
      #expect(try await client.readResponse().status == 505)
    }
  }

  @Test(arguments: Transport.allCases)
  func `8_2_2 a response with Connection close ends the connection after the requests in flight`(
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

  @Test func `a protocol violation gets a GOAWAY with its code, and ends the connection`() async throws {
    try await withHTTP2(handler: { _ in .text("") }) { client in
      try await client.expectAnswer()
      try await client.stream.write(HTTP2Client.frame(6, payload: [1]))
      #expect(try await client.readGoAway() == ErrorCode.frameSizeError.rawValue)
      try await client.readToEnd()
    }
  }
}

import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import RuntimeHTTP

/// An HTTP/1 connection over streams that deliver bytes in different ways.
@Suite(.timeLimit(.minutes(10))) struct ConnectionTests {
  @Test(arguments: Transport.allCases)
  func `a connection serves one request after another`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: { .text("\($0.method) \($0.path)") }) { client in
      for path in ["/a", "/b", "/c"] {
        let response = try await client.get(path)
        #expect(response.status == 200)
        #expect(response.text == "GET \(path)")
        #expect(response["Content-Type"] == "text/plain; charset=utf-8")
        #expect(response["Date"]?.hasSuffix(" GMT") == true)
        #expect(response["Connection"] == nil)
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `9112 9_3_2 - responses to a pipeline come in the order of its requests`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: { .text($0.path + (try await $0.text())) }) { client in
      let count = 50
      let requests = (0..<count).map { number in
        number % 3 == 0
          ? "POST /\(number) HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz"
          : "GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n"
      }
      try await client.send(requests.joined()) { client in
        for number in 0..<count {
          let response = try await client.readResponse()
          #expect(response.text == "/\(number)" + (number % 3 == 0 ? "xyz" : ""))
        }
      }
    }
  }

  @Test func `immediate responses to a pipeline leave in one write`() async throws {
    let requests = String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 20)
    let stream = WriteCountingStream(ScriptedStream(requests))
    var router = Router()
    router.get("/") { _ in .text("a") }
    await serveConnection(stream, clock: ManualClock(), options: .quiet, handler: router)
    #expect(stream.writes == 1)
    #expect(stream.base.writtenText.components("HTTP/1.1 200 OK") == 20)
  }

  @Test(arguments: Transport.allCases)
  func `9112 7_1 - content goes in chunks in both directions, with trailers`(_ transport: Transport) async throws {
    try await withConnection(
      over: transport,
      handler: { request in
        Response(
          body: .stream { writer in
            for try await chunk in request.body { try await writer.write(chunk) }
            try writer.setTrailers(request.body.trailers)
          })
      }
    ) { client in
      for _ in 0..<2 {
        let head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        try await client.send(head + "5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nX-Sum: 12\r\n\r\n") { client in
          let response = try await client.readResponse()
          #expect(response["Transfer-Encoding"] == "chunked")
          #expect(response["Content-Length"] == nil)
          #expect(response.text == "hello, world")
          #expect(response.trailers.map(\.name) == ["X-Sum"])
        }
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `9110 10_1_1 - 100 is sent when the handler reads the content`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: { .text(try await $0.text()) }) { client in
      for _ in 0..<2 {
        try await client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
        #expect(try await client.readResponse().status == 100)
        try await client.send("hello")
        #expect(try await client.readResponse().text == "hello")
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `9110 10_1_1 - 100 is sent before a response that echoes the content`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: { Response(body: .stream($0.body)) }) { client in
      try await client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
      #expect(try await client.readResponse().status == 100)
      try await client.send("hello")
      #expect(try await client.readResponse().text == "hello")
    }
  }

  @Test func `9110 10_1_1 - no 100 is sent if the content has arrived, or to HTTP 1_0`() async throws {
    let stream = ScriptedStream("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na")
    await serveConnection(stream, clock: ManualClock(), options: .quiet, handler: echo)
    #expect(stream.writtenText.hasPrefix("HTTP/1.1 200 OK\r\n"))
    let old = ScriptedStream(
      ["PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "a"].map { Array($0.utf8) })
    await serveConnection(old, clock: ManualClock(), options: .quiet, handler: echo)
    #expect(old.writtenText.hasPrefix("HTTP/1.1 200 OK\r\n"))
  }

  @Test(arguments: Transport.allCases)
  func `9110 10_1_1 - a handler that does not read the content ends the connection`(_ transport: Transport) async throws
  {
    try await withConnection(over: transport, handler: { _ in throw HTTPError(.forbidden) }) { client in
      try await client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
      let response = try await client.readResponse()
      #expect(response.status == 403)
      #expect(response["Connection"] == "close")
      try await client.expectEnd()
    }
  }

  @Test(arguments: Transport.allCases)
  func `9110 9_3_2 - a response to HEAD has the head of GET and no content`(_ transport: Transport) async throws {
    try await withConnection(
      over: transport,
      handler: { $0.path == "/stream" ? Response(body: .stream { try await $0.write("never") }) : .text("hello") }
    ) { client in
      let response = try await client.request("HEAD", "/")
      #expect(response["Content-Length"] == "5")
      #expect(try await client.request("HEAD", "/stream").status == 200)
      #expect(try await client.get("/").text == "hello")
    }
  }

  @Test(arguments: Transport.allCases)
  func `9112 9_3 - Connection close ends the connection after the response`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: { _ in .text("bye") }) { client in
      let response = try await client.get("/", "Connection: close")
      #expect(response.text == "bye")
      #expect(response["Connection"] == "close")
      try await client.expectEnd()
    }
  }

  @Test(arguments: Transport.allCases)
  func `9112 9_3 - HTTP 1_0 persists only if the client asks for it`(_ transport: Transport) async throws {
    try await withConnection(
      over: transport, handler: { $0.path == "/s" ? Response(body: .stream { try await $0.write("abc") }) : .text("x") }
    ) { client in
      try await client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      #expect(try await client.readResponse()["Connection"] == "keep-alive")
      try await client.send("GET /s HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
      let response = try await client.readResponse()
      #expect(response.text == "abc")
      #expect(response["Transfer-Encoding"] == nil)
      #expect(response["Connection"] == "close")
    }
  }

  @Test(arguments: Transport.allCases)
  func `a large echo is complete and takes bounded memory`(_ transport: Transport) async throws {
    let size = transport == .oneByteAtATime ? 20_000 : 2_000_000
    try await withConnection(over: transport, handler: { Response(body: .stream(length: $0.body.length, $0.body)) }) {
      client in
      let content = String(repeating: "0123456789", count: size / 10)
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(size)\r\n\r\n" + content) { client in
        let response = try await client.readResponse()
        #expect(response.text == content)
      }
    }
  }

  @Test(arguments: [100, 20_000, 1_000_000])
  func `content of any size is sent unchanged`(_ size: Int) async throws {
    let content = [UInt8](repeating: UInt8(ascii: "a"), count: size)
    try await withConnection(handler: { _ in Response(body: .bytes(content)) }) { client in
      try await client.send(String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 2)) { client in
        for _ in 0..<2 {
          let response = try await client.readResponse()
          #expect(response.body == content)
        }
      }
    }
  }

  @Test func `a client that does not read suspends the handler`() async throws {
    let written = Lock(0)
    try await withConnection(
      over: .lockstep,
      handler: { _ in
        Response(
          body: .stream { writer in
            for _ in 0..<1000 {
              try await writer.write([UInt8](repeating: 0, count: 1000))
              written.withLock { $0 += 1 }
            }
          })
      }
    ) { client in
      try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      _ = try await client.readHead()
      // In lockstep a write ends when the client has read it, so at most the next one can have begun.
      for count in 1...20 {
        #expect(try await client.readChunk()?.count == 1000)
        #expect(written.withLock { $0 } <= count)
      }
    }
  }

  private let echo = HandlerFunction { .text(try await $0.text()) }
}

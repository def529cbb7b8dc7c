import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import RuntimeHTTP

/// Request content that the handler does not read, that is malformed, or that is late.
@Suite(.timeLimit(.minutes(10))) struct ContentTests {
  @Test(arguments: [Transport.whole, .lockstep, .sockets])
  func `unread content is drained, and the connection persists`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: { .text($0.path) }) { client in
      let request = "POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
      try await client.send(request + "GET /b HTTP/1.1\r\nHost: a\r\n\r\n") { client in
        let first = try await client.readResponse()
        #expect(first.text == "/a")
        let second = try await client.readResponse()
        #expect(second.text == "/b")
      }
    }
  }

  @Test func `unread content beyond the limit ends the connection`() async throws {
    var options = ServerOptions.quiet
    options.maximumDrainedLength = 100
    try await withConnection(options: options, handler: { _ in .text("no") }) { client in
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n")
      #expect(try await client.readResponse()["Connection"] == "close")
      try await client.expectEnd()
    }
  }

  @Test(arguments: Transport.allCases)
  func `content over the limit gets a 413, at the head or while it arrives`(_ transport: Transport) async throws {
    var options = ServerOptions.quiet
    options.maximumBodyLength = 4
    let heads = ["Content-Length: 5\r\n\r\n", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n"]
    for head in heads {
      try await withConnection(over: transport, options: options, handler: { .text(try await $0.text()) }) { client in
        try await client.send("POST / HTTP/1.1\r\nHost: a\r\n\(head)") { client in
          let response = try await client.readResponse()
          #expect(response.status == 413)
          #expect(response["Connection"] == "close")
          try await client.expectEnd()
        }
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `malformed chunks are reported to the handler and get a 400`(_ transport: Transport) async throws {
    let told = Lock<HTTPError?>(nil)
    try await withConnection(
      over: transport,
      handler: { request in
        do { return .text(try await request.text()) } catch let error as HTTPError {
          told.withLock { $0 = error }
          throw error
        }
      }
    ) { client in
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n") { client in
        #expect(try await client.readResponse().status == 400)
        try await client.expectEnd()
      }
    }
    #expect(told.withLock { $0?.status } == .badRequest)
  }

  @Test(arguments: ["5 \r\nhello\r\n0\r\n\r\n", "5\r\nhello\r\n0\r\nX : y\r\n\r\n", "5\r\nhello0\r\n\r\n"])
  func `malformed content gets a 400 even if the handler does not read it`(_ chunks: String) async throws {
    try await withConnection(handler: { _ in .text("no") }) { client in
      try await client.send("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)")
      let response = try await client.readResponse()
      #expect(response.status == 400)
      #expect(response["Connection"] == "close")
      try await client.expectEnd()
    }
  }

  @Test(arguments: [
    "5\r\nhelloX\r\n0\r\n\r\n", "5\r\nhello\r\nFFFFFFFFFFFFFFFFF\r\n", "5\r\nhello\r\n0\r\n X: y\r\n\r\n",
  ])
  func `content before a malformed chunk is not delivered, so no response begins`(_ chunks: String) async throws {
    try await withConnection(handler: { Response(body: .stream($0.body)) }) { client in
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)")
      #expect(try await client.readResponse().status == 400)
      try await client.expectEnd()
    }
  }

  @Test func `the handler gets an error if the client disconnects within the content`() async throws {
    let told = Lock<BodyError?>(nil)
    let stream = ScriptedStream("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhell")
    await serveConnection(
      stream, clock: ManualClock(), options: .quiet,
      handler: HandlerFunction { request in
        do { return .text(try await request.text()) } catch let error as BodyError {
          told.withLock { $0 = error }
          throw error
        }
      })
    #expect(told.withLock { $0 } == .disconnected)
    #expect(stream.isClosed)
  }

  @Test func `a body used after its response throws, and takes nothing from the next request`()
    async throws
  {
    let kept = Lock<RequestBody?>(nil)
    try await withConnection(handler: { request in
      if request.path == "/keep" { kept.withLock { $0 = request.body } }
      return .text(request.path)
    }) { client in
      try await client.send("POST /keep HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
      #expect(try await client.readResponse().text == "/keep")
      let body = try #require(kept.withLock { $0 })
      await #expect(throws: BodyError.ended) { try await body.collect(upTo: 10) }
      #expect(try await client.get("/next").text == "/next")
    }
  }

  @Test func `a writer used after its response throws`() async throws {
    let kept = Lock<BodyWriter?>(nil)
    try await withConnection(handler: { _ in Response(body: .stream { writer in kept.withLock { $0 = writer } }) }) {
      client in
      #expect(try await client.get("/").text == "")
      let writer = try #require(kept.withLock { $0 })
      await #expect(throws: BodyError.ended) { try await writer.write("late") }
      #expect(try await client.get("/").text == "")
    }
  }

  @Test func `a second task that reads the same body gets an error`() async throws {
    let isReading = Gate()
    let isRefused = Gate()
    try await withConnection(handler: { request in
      async let first = request.text()
      await isReading.wait()
      let second = await Result { try await request.body.collect(upTo: 10) }
      #expect(throws: BodyError.busy) { try second.get() }
      isRefused.open()
      return .text(try await first)
    }) { client in
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
      // The first reader asks for the 100 and then waits.
      #expect(try await client.readResponse().status == 100)
      isReading.open()
      await isRefused.wait()
      try await client.send("hello")
      _ = try await client.readResponse()
    }
  }
}

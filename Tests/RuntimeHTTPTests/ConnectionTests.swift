import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import RuntimeHTTP

/// What a connection does, over streams that deal out bytes in different ways.
@Suite(.timeLimit(.minutes(10))) struct ConnectionTests {
  @Test(arguments: Transport.allCases)
  func `requests follow one another on a connection`(_ transport: Transport) async throws {
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
  func `9112 9_3_2 - responses come in the order of the requests of a pipeline`(_ transport: Transport) async throws {
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

  @Test func `the responses to a pipeline that are given at once leave in one write`() async throws {
    let requests = String(repeating: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", count: 20)
    let stream = CountingStream(requests)
    var router = Router()
    router.get("/") { _ in .text("a") }
    await serveConnection(stream, clock: ManualClock(), options: .quiet, handler: router)
    #expect(stream.writes == 1)
    #expect(stream.base.writtenText.components("HTTP/1.1 200 OK") == 20)
  }

  @Test(arguments: Transport.allCases)
  func `9112 7_1 - content in chunks both ways, with trailers`(_ transport: Transport) async throws {
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
  func `9110 10_1_1 - 100 is sent when the handler asks for the content`(_ transport: Transport) async throws {
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
  func `9110 10_1_1 - 100 is sent before a stream that reads as it writes`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: { Response(body: .stream($0.body)) }) { client in
      try await client.send("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
      #expect(try await client.readResponse().status == 100)
      try await client.send("hello")
      #expect(try await client.readResponse().text == "hello")
    }
  }

  @Test func `9110 10_1_1 - no 100 where the content is there already, nor to HTTP 1_0`() async throws {
    let stream = ScriptedStream("PUT / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na")
    await serveConnection(stream, clock: ManualClock(), options: .quiet, handler: echo)
    #expect(stream.writtenText.hasPrefix("HTTP/1.1 200 OK\r\n"))
    let old = ScriptedStream(
      ["PUT / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n", "a"].map { Array($0.utf8) })
    await serveConnection(old, clock: ManualClock(), options: .quiet, handler: echo)
    #expect(old.writtenText.hasPrefix("HTTP/1.1 200 OK\r\n"))
  }

  @Test(arguments: Transport.allCases)
  func `9110 10_1_1 - a handler that does not want the content ends the connection`(_ transport: Transport) async throws
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
  func `9110 9_3_2 - HEAD has the head of GET and no content`(_ transport: Transport) async throws {
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
  func `9112 9_3 - a client that says close gets its response and the end`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: { _ in .text("bye") }) { client in
      let response = try await client.get("/", "Connection: close")
      #expect(response.text == "bye")
      #expect(response["Connection"] == "close")
      try await client.expectEnd()
    }
  }

  @Test(arguments: Transport.allCases)
  func `9112 9_3 - HTTP 1_0 goes on only where it is asked to`(_ transport: Transport) async throws {
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
  func `a big echo is whole, and the memory it takes is bounded`(_ transport: Transport) async throws {
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
  func `content of any size is sent as it is`(_ size: Int) async throws {
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

  @Test func `a peer that does not read holds the handler up`() async throws {
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
      // In lockstep a write ends when it has been read, and no more than the next one can have begun.
      for count in 1...20 {
        #expect(try await client.readChunk()?.count == 1000)
        #expect(written.withLock { $0 } <= count)
      }
    }
  }

  // MARK: Handlers that fail

  @Test(arguments: Transport.allCases)
  func `a handler that throws gives a 500, nothing of the error, and the connection goes on`(
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
  func `an HTTPError is the response it asks for, and is not logged`(_ transport: Transport) async throws {
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
  func `a stream that fails before it has begun is an error of its own`(_ transport: Transport) async throws {
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
  func `a stream shorter or longer than declared ends the connection, never framed wrongly`(
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

  @Test func `an HTTPError that is a 500 says what it wants to say`() async throws {
    try await withConnection(handler: { _ in throw HTTPError(.internalServerError, "sorry") }) { client in
      let response = try await client.get("/")
      #expect(response.text == "sorry\n")
    }
  }

  @Test func `a status that is not final is a 500`() async throws {
    let log = Log()
    try await withConnection(options: log.options, handler: { _ in Response(status: Status(99)) }) { client in
      let response = try await client.get("/")
      #expect(response.status == 500)
    }
    #expect(log.lines.count == 1)
  }

  // MARK: Content that is left, wrong or late

  @Test(arguments: Transport.allCases)
  func `content that a handler leaves is drained, and the connection goes on`(_ transport: Transport) async throws {
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

  @Test func `content that a handler leaves past the bound ends the connection`() async throws {
    var options = ServerOptions.quiet
    options.maximumDrainedLength = 100
    try await withConnection(options: options, handler: { _ in .text("no") }) { client in
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n")
      #expect(try await client.readResponse()["Connection"] == "close")
      try await client.expectEnd()
    }
  }

  @Test(arguments: Transport.allCases)
  func `content over the limit is a 413, at the head or where it shows`(_ transport: Transport) async throws {
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
  func `chunks that are wrong are a 400, told to the handler first`(_ transport: Transport) async throws {
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
  func `content that is wrong is a 400 even where the handler leaves it`(_ chunks: String) async throws {
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
  func `content in front of what is wrong is not given, so that a stream has not begun`(_ chunks: String) async throws {
    try await withConnection(handler: { Response(body: .stream($0.body)) }) { client in
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(chunks)")
      #expect(try await client.readResponse().status == 400)
      try await client.expectEnd()
    }
  }

  @Test func `content that breaks off is told to the handler`() async throws {
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

  @Test func `a body that is used after its response is an error, and takes nothing from the next request`()
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

  @Test func `a writer that is used after its response is an error`() async throws {
    let kept = Lock<BodyWriter?>(nil)
    try await withConnection(handler: { _ in Response(body: .stream { writer in kept.withLock { $0 = writer } }) }) {
      client in
      #expect(try await client.get("/").text == "")
      let writer = try #require(kept.withLock { $0 })
      await #expect(throws: BodyError.ended) { try await writer.write("late") }
      #expect(try await client.get("/").text == "")
    }
  }

  @Test func `two tasks that read one body are told so`() async throws {
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

  // MARK: Requests that are refused

  @Test(arguments: Transport.allCases)
  func `9112 11_2 - what may be smuggled is refused and the connection is closed`(_ transport: Transport) async throws {
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
          Issue.record("\(request.path) got through")
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
  func `9110 9_3_2 - a refusal of HEAD has no content either`(_ request: String) async throws {
    let stream = ScriptedStream(request)
    await serveConnection(
      stream, clock: ManualClock(), options: .quiet, handler: HandlerFunction { _ in Response() })
    #expect(stream.writtenText.hasSuffix("Connection: close\r\n\r\n"))
  }

  @Test func `a refusal after HEAD is not one of HEAD`() async throws {
    let stream = ScriptedStream("HEAD / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n")
    await serveConnection(
      stream, clock: ManualClock(), options: .quiet, handler: HandlerFunction { _ in Response() })
    #expect(!stream.writtenText.hasSuffix("\r\n\r\n"))
  }

  @Test func `a request that is wrong does not lose the responses before it`() async throws {
    let stream = ScriptedStream("GET / HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n")
    await serveConnection(
      stream, clock: ManualClock(), options: .quiet, handler: HandlerFunction { _ in .text("fine") })
    #expect(stream.writtenText.contains("\r\n\r\nfineHTTP/1.1 400 Bad Request\r\n"))
    #expect(stream.hasFinishedWriting && stream.isClosed)
  }

  private let echo = HandlerFunction { .text(try await $0.text()) }
}

extension Request {
  /// All of the content, as text.
  func text() async throws -> String { String(decoding: try await body.collect(upTo: 10_000_000), as: UTF8.self) }
}

extension Result where Failure == any Error {
  init(_ body: () async throws -> Success) async {
    do { self = .success(try await body()) } catch { self = .failure(error) }
  }
}

extension String {
  /// How often `other` is in this.
  fileprivate func components(_ other: String) -> Int {
    var count = 0
    var rest = self[...]
    while let range = rest.firstRange(of: other) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}

/// Counts how often it is written to.
private final class CountingStream: ByteStream {
  let base: ScriptedStream
  private let count = Atomic<Int>(0)

  init(_ text: String) { base = ScriptedStream(text) }

  var writes: Int { count.load(ordering: .relaxed) }
  func readable() async throws(IOError) { try await base.readable() }
  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int { try await base.read(into: &buffer) }
  func write(_ bytes: RawSpan) async throws(IOError) {
    count.wrappingAdd(1, ordering: .relaxed)
    try await base.write(bytes)
  }
  func shutdownWrite() throws(IOError) { try base.shutdownWrite() }
  func close() { base.close() }
}

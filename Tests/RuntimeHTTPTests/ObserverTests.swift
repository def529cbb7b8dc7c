import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// Reports to observers about requests over HTTP/1.
@Suite(.timeLimit(.minutes(10))) struct HTTP1ObserverTests {
  private struct Bug: Error {}

  @Test func `the endings of requests have short descriptions`() {
    let endings: [RequestRecord.Ending] = [.complete, .clientGone, .timedOut, .failed]
    #expect(endings.map { "\($0)" } == ["complete", "client gone", "timed out", "failed"])
  }

  @Test(arguments: Transport.allCases)
  func `each request of a pipeline begins and ends once, in order`(_ transport: Transport) async throws {
    let observer = RecordingObserver()
    try await withConnection(
      over: transport, options: observer.options,
      handler: { request in .text("\(request.path)\(try await request.text())") }
    ) { client in
      let text =
        "GET /a HTTP/1.1\r\nHost: a\r\n\r\nPOST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
        + "HEAD /c HTTP/1.1\r\nHost: a\r\n\r\n"
      try await client.send(text) { client in
        let responses = [try await client.readResponse(), try await client.readResponse()]
        #expect(responses.map(\.text) == ["/a", "/bhello"])
        #expect(try await client.readResponse(to: "HEAD").status == 200)
      }
      let records = await observer.records(3)
      #expect(records.map(\.summary) == ["GET /a 200 0 2", "POST /b 200 5 7", "HEAD /c 200 0 0"])
      #expect(records.allSatisfy { $0.ending == .complete && $0.error == nil && $0.duration >= .zero })
      #expect(observer.begun.map(\.path) == ["/a", "/b", "/c"])
      #expect(observer.begunNumbers == records.map(\.id))
    }
  }

  @Test(arguments: Transport.allCases)
  func `the content of streams and of large responses is counted`(_ transport: Transport) async throws {
    let observer = RecordingObserver()
    try await withConnection(
      over: transport, options: observer.options,
      handler: { request in
        if request.path == "/large" { return Response(body: .bytes([UInt8](repeating: 7, count: 100_000))) }
        return Response(
          body: .stream { writer in
            for try await chunk in request.body { try await writer.write(chunk) }
            try await writer.write([UInt8](repeating: 7, count: 50_000))
          })
      }
    ) { client in
      let head = "POST /stream HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
      try await client.send(head + "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n") { client in
        let response = try await client.readResponse()
        #expect(response.body.count == 50_007)
      }
      #expect(try await client.get("/large").body.count == 100_000)
      let records = await observer.records(2)
      #expect(records.map(\.summary) == ["POST /stream 200 7 50007", "GET /large 200 0 100000"])
    }
  }

  @Test(arguments: Transport.allCases)
  func `a request that reaches no handler is reported with its known parts`(_ transport: Transport) async throws {
    func refused(_ text: String) async throws -> RequestRecord? {
      let observer = RecordingObserver()
      var options = observer.options
      options.maximumHeadLength = 100
      options.maximumBodyLength = 10
      try await withConnection(over: transport, options: options, handler: { _ in .text("never") }) { client in
        let status = try await client.statusOfRefusal(of: text)
        #expect(status >= 400)
      }
      let record = await observer.records(1).first
      #expect(observer.begun.isEmpty)
      #expect(record?.error is HTTPError && record?.ending == .complete)
      return record
    }
    let unreadable = try #require(try await refused("nonsense\r\n\r\n"))
    #expect(unreadable.request == nil && unreadable.status == .badRequest && unreadable.sentLength > 0)
    let tooLong = try #require(
      try await refused("GET /a HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "x", count: 200))\r\n\r\n"))
    #expect(tooLong.summary.hasPrefix("GET /a 431 0"))
    #expect(tooLong.request?.headers["Host"] == "a")
    let tooLarge = try #require(try await refused("PUT /b HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n"))
    #expect(tooLarge.summary.hasPrefix("PUT /b 413 0"))
  }

  @Test(arguments: Transport.allCases)
  func `the record has the error of a handler, before or after the head`(_ transport: Transport) async throws {
    let observer = RecordingObserver()
    try await withConnection(
      over: transport, options: observer.options,
      handler: { request in
        if request.path == "/before" { throw Bug() }
        return Response(
          body: .stream { writer in
            try await writer.write("some")
            throw Bug()
          })
      }
    ) { client in
      #expect(try await client.get("/before").status == 500)
      try await client.send("GET /after HTTP/1.1\r\nHost: a\r\n\r\n")
      _ = try await client.readToEnd()
    }
    let records = await observer.records(2)
    #expect(records.map(\.status) == [.internalServerError, .ok])
    #expect(records.map(\.ending) == [.complete, .failed])
    #expect(records.allSatisfy { $0.error is Bug })
  }

  @Test(arguments: [Transport.whole, .lockstep, .sockets])
  func `a client that leaves before the end of its response is reported as gone`(_ transport: Transport) async throws {
    let observer = RecordingObserver()
    let hasGone = Gate()
    try await withConnection(
      over: transport, options: observer.options,
      handler: { _ in
        Response(
          body: .stream { writer in
            try await writer.write("some")
            await hasGone.wait()
            while true { try await writer.write([UInt8](repeating: 7, count: 1 << 20)) }
          })
      }
    ) { client in
      try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try await client.readHead().status == 200)
      client.stream.close()
      hasGone.open()
      let record = await observer.records(1).first
      #expect(record?.ending == .clientGone && record?.status == .ok)
    }
  }

  @Test(arguments: [Transport.whole, .lockstep])
  func `a client that leaves within its content gets no response and is reported as gone`(
    _ transport: Transport
  ) async throws {
    let observer = RecordingObserver()
    try await withConnection(
      over: transport, options: observer.options, handler: { request in .text(try await request.text()) }
    ) { client in
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf")
      client.stream.close()
      #expect(await observer.records(1).map(\.ending) == [.clientGone])
    }
  }

  @Test(arguments: Transport.allCases)
  func `the record has the route if a router found one`(
    _ transport: Transport
  ) async throws {
    let observer = RecordingObserver()
    var router = Router()
    router.get("/users/:id") { (request: Request) async throws -> Response in .text(request.parameters["id"] ?? "") }
    router.get("/now/:id") { (_: Request) throws -> Response in throw HTTPError(.conflict) }
    try await withConnection(over: transport, options: observer.options, handler: router) { client in
      for path in ["/users/7", "/now/7", "/none"] { _ = try await client.get(path) }
      let records = await observer.records(3)
      #expect(records.map { $0.request?.route } == ["/users/:id", "/now/:id", nil])
      #expect(records.map { $0.status?.code } == [200, 409, 404])
    }
  }

  @Test func `a client that reads nothing of its response is reported as timed out`() async throws {
    try await inVirtualTime { clock in
      let observer = RecordingObserver()
      try await withConnection(
        over: .lockstep, options: observer.options, clock: clock,
        handler: { _ in Response(body: .bytes([UInt8](repeating: 7, count: 100_000))) }
      ) { client in
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(await observer.records(1).first?.ending == .timedOut)
      }
    }
  }
}

/// Reports to observers about requests over HTTP/2.
@Suite(.timeLimit(.minutes(10))) struct HTTP2ObserverTests {
  private struct Bug: Error {}

  @Test(arguments: Transport.allCases)
  func `each request begins and ends once, with its content counted`(_ transport: Transport) async throws {
    let observer = RecordingObserver()
    try await withHTTP2(
      over: transport, options: observer.options,
      handler: { request in
        if request.path == "/large" { return Response(body: .bytes([UInt8](repeating: 7, count: 100_000))) }
        let text = try await request.text()
        return request.path == "/stream" ? Response(body: .stream { try await $0.write(text) }) : .text(text)
      }
    ) { client in
      for path in ["/small", "/stream"] {
        let stream = try await client.send("POST", path, ends: false)
        try await client.send(Array("hello".utf8), on: stream, ends: true)
        #expect(try await client.readResponse(on: stream).text == "hello")
      }
      #expect(try await client.get("/large").body.count == 100_000)
      #expect(try await client.request("HEAD", "/small").status == 200)
      let records = await observer.records(4)
      #expect(
        records.map(\.summary)
          == ["POST /small 200 5 5", "POST /stream 200 5 5", "GET /large 200 0 100000", "HEAD /small 200 0 0"])
      #expect(records.allSatisfy { $0.ending == .complete && $0.error == nil })
      #expect(records.allSatisfy { $0.request?.version == .http2 })
      #expect(observer.begunNumbers == records.map(\.id))
    }
  }

  @Test func `a request that switches to HTTP/2 is reported once`() async throws {
    let observer = RecordingObserver()
    try await withConnection(options: observer.options, handler: { .text("\($0.version)") }) { client in
      let fields = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n"
      try await client.send("GET /up HTTP/1.1\r\nHost: a\r\n\(fields)\r\n")
      #expect(try await client.readHead().status == 101)
      let http2 = HTTP2TestClient(client.stream, after: client)
      try await http2.start()
      #expect(try await http2.readResponse(on: 1).status == 200)
      #expect(await observer.records(1).map(\.summary) == ["GET /up 200 0 8"])
      #expect(observer.begun.count == 1)
    }
  }

  @Test func `refused and malformed requests are reported, and reach no handler`() async throws {
    let observer = RecordingObserver()
    var options = observer.options
    options.maximumHeadLength = 300
    try await withHTTP2(options: options, handler: { _ in .text("never") }) { client in
      let refused = try await client.send("GET", "/a", [("x", String(repeating: "x", count: 200))])
      #expect(try await client.readResponse(on: refused).status == 431)
      let malformed = try await client.send("GET", "/b", [("Upper", "case")])
      _ = try await client.readReset(on: malformed)
      let records = await observer.records(2)
      #expect(records[0].summary.hasPrefix("GET /a 431 0") && records[0].ending == .complete)
      #expect(records[1].status == nil && records[1].ending == .failed)
      #expect(records.allSatisfy { $0.error is HTTPError } && observer.begun.isEmpty)
    }
  }

  @Test func `streams that are reset are reported as gone, or as failed`() async throws {
    let observer = RecordingObserver()
    let (hasBegun, isCancelled) = (Gate(), Gate())
    try await withHTTP2(
      options: observer.options,
      handler: { request in
        guard request.path == "/slow" else {
          return Response(
            body: .stream { writer in
              try await writer.write("half")
              throw Bug()
            })
        }
        hasBegun.open()
        await isCancelled.waitForCancellation()
        throw Bug()
      }
    ) { client in
      let failing = try await client.send("GET", "/fails")
      _ = try await client.readReset(on: failing)
      let failed = await observer.records(1).first
      #expect(failed?.ending == .failed && failed?.error is Bug && failed?.status == .ok)
      let slow = try await client.send("GET", "/slow")
      await hasBegun.wait()
      try await client.reset(slow)
      let gone = await observer.records(1).first
      #expect(gone?.ending == .clientGone && gone?.status == nil)
    }
  }

  @Test func `requests in flight are reported as gone when their client leaves`() async throws {
    let observer = RecordingObserver()
    let (hasBegun, isCancelled) = (Gate(), Gate())
    try await withHTTP2(
      options: observer.options,
      handler: { _ in
        hasBegun.open()
        await isCancelled.waitForCancellation()
        return .text("never read")
      }
    ) { client in
      _ = try await client.send("GET", "/")
      await hasBegun.wait()
      client.stream.close()
      #expect(await observer.records(1).first?.ending == .clientGone)
    }
  }

  @Test func `a client that reads nothing of its response is reported as timed out`() async throws {
    try await inVirtualTime { clock in
      let observer = RecordingObserver()
      try await withHTTP2(
        over: .whole, options: observer.options, clock: clock,
        handler: { _ in Response(body: .bytes([UInt8](repeating: 7, count: 100_000))) }
      ) { client in
        client.opensWindows = false
        let stream = try await client.send("GET", "/")
        _ = try await client.readReset(on: stream)
        #expect(await observer.records(1).first?.ending == .timedOut)
      }
    }
  }
}

/// Servers with observers on each backend.
@Suite(.timeLimit(.minutes(10))) struct ServerObserverTests {
  @Test(arguments: Backend.allCases)
  func `all observers get requests of both versions, with the addresses of the clients`(
    _ backend: Backend
  ) async throws {
    let (first, second) = (RecordingObserver(), RecordingObserver())
    var options = first.options
    options.observers.append(second)
    try await withSetup(on: backend) { setup in
      try await setup.serving(options: options, { .text($0.path) }) { server in
        let http1 = try await setup.client(of: server)
        let http2 = try await setup.http2Client(of: server)
        #expect(try await http1.get("/1").status == 200)
        let ofFirst = await first.records(1)
        #expect(try await http2.get("/2").status == 200)
        let records = ofFirst + (await first.records(1))
        #expect(records.map(\.summary) == ["GET /1 200 0 2", "GET /2 200 0 2"])
        #expect(records[0].request?.remoteAddress == http1.stream.localAddress)
        #expect(records[1].request?.remoteAddress == http2.stream.localAddress)
        #expect(await second.records(2).map(\.id) == records.map(\.id))
        http1.stream.close()
        http2.stream.close()
      }
    }
  }
}

/// Keeps the reports; tests can wait for them.
private final class RecordingObserver: RequestObserver {
  private let ended = AsyncStream<RequestRecord>.makeStream()
  private let started = Lock<[(request: Request, id: UInt64)]>([])

  var options: ServerOptions {
    var options = ServerOptions.quiet
    options.observers = [self]
    return options
  }

  var begun: [Request] { started.withLock { $0.map(\.request) } }
  var begunNumbers: [UInt64] { started.withLock { $0.map(\.id) } }

  /// The next `count` records.
  func records(_ count: Int) async -> [RequestRecord] {
    var records: [RequestRecord] = []
    for await record in ended.stream.prefix(count) { records.append(record) }
    return records
  }

  func requestBegan(_ request: Request, id: UInt64) { started.withLock { $0.append((request, id)) } }
  func requestEnded(_ record: RequestRecord) { ended.continuation.yield(record) }
}

extension RequestRecord {
  fileprivate var summary: String {
    let status = status.map { "\($0.code)" } ?? "-"
    return "\(request.map { "\($0.method) \($0.path)" } ?? "-") \(status) \(receivedLength) \(sentLength)"
  }
}

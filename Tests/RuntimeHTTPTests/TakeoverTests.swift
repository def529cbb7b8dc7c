import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// Responses after which another protocol uses the stream.
@Suite(.timeLimit(.minutes(10))) struct TakeoverTests {
  private struct Bug: Error {}

  /// Answers `/echo` and CONNECT with the bytes that the client sends, `/bug` with an error after the first bytes,
  /// `/greet` with one greeting, and `/collect` with the number of bytes when the client has sent its last.
  @Sendable private static func handle(_ request: Request) async throws -> Response {
    switch request.path {
    case "/echo":
      return .upgrade(to: "echo", headers: ["X-Told": "yes"]) { stream in
        while case let bytes = try await stream.read(), !bytes.isEmpty { try await stream.write(bytes) }
      }
    case "/bug":
      return .upgrade(to: "echo") { stream in
        _ = try await stream.read()
        throw Bug()
      }
    case "/greet": return .upgrade(to: "echo") { try await $0.write(Array("hello".utf8)) }
    case "/collect":
      return .upgrade(to: "echo") { stream in
        try await stream.write(Array("ready".utf8))
        var count = 0
        while case let bytes = try await stream.read(), !bytes.isEmpty { count += bytes.count }
        try await stream.write(Array("\(count)".utf8))
      }
    case "/misplaced": return .tunnel { _ in }
    case "" where request.method == .connect:
      return .tunnel { stream in
        try await stream.write(Array("to \(request.authority ?? "-"): ".utf8))
        while case let bytes = try await stream.read(), !bytes.isEmpty { try await stream.write(bytes) }
      }
    default: return .text("plain")
    }
  }

  // MARK: HTTP/1

  private static func upgrade(_ path: String, to name: String = "echo") -> String {
    "GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: other, \(name)\r\n\r\n"
  }

  @Test(arguments: Transport.allCases)
  func `HTTP/1 hands over the stream with the bytes that followed the request`(
    _ transport: Transport
  ) async throws {
    try await withConnection(over: transport, handler: Self.handle) { client in
      #expect(try await client.get("/").text == "plain")
      try await client.send(Self.upgrade("/echo") + "behind") { client in
        let head = try await client.readHead()
        #expect(head.status == 101 && head["Connection"] == "Upgrade" && head["Upgrade"] == "echo")
        #expect(head["X-Told"] == "yes" && head["Content-Length"] == nil && head["Transfer-Encoding"] == nil)
        let behind = try await client.readExactly(6)
        #expect(behind == Array("behind".utf8))
      }
      let large = [UInt8](repeating: 7, count: 100_000)
      let stream = client.stream
      async let sent: Void = stream.write(large)
      #expect(try await client.readExactly(100_000) == large)
      try await sent
      try await client.stream.shutdownWrite()
      try await client.expectEnd()
    }
  }

  @Test(arguments: Transport.allCases)
  func `HTTP/1 opens a tunnel for CONNECT`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: Self.handle) { client in
      try await client.send("CONNECT b.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\nhi") { client in
        let head = try await client.readHead()
        #expect(head.status == 200 && head["Connection"] == nil && head["Content-Length"] == nil)
        let answer = try await client.readExactly(20)
        #expect(String(decoding: answer, as: UTF8.self) == "to b.example:443: hi")
      }
    }
  }

  @Test(arguments: Transport.allCases)
  func `an HTTP/1 takeover without an offer gets a 500, and the connection persists`(
    _ transport: Transport
  ) async throws {
    let log = Log()
    try await withConnection(over: transport, options: log.options, handler: Self.handle) { client in
      let unasked = try await client.get("/echo")
      #expect(unasked.status == 500)
      #expect(try await client.get("/echo", "Upgrade: echo").status == 500)
      #expect(try await client.get("/echo", "Connection: upgrade", "Upgrade: other").status == 500)
      #expect(try await client.get("/misplaced").status == 500)
      #expect(try await client.get("/").text == "plain")
    }
    #expect(log.lines.count == 4 && log.lines.allSatisfy { $0.contains("has not asked") })
  }

  @Test(arguments: Transport.allCases)
  func `content that the handler did not read is skipped before the takeover`(_ transport: Transport) async throws {
    try await withConnection(over: transport, handler: Self.handle) { client in
      let head =
        "POST /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\nContent-Length: 7\r\n\r\ncontent"
      try await client.send(head + "behind") { client in
        let answer = try await client.readHead()
        #expect(answer.status == 101)
        let behind = try await client.readExactly(6)
        #expect(behind == Array("behind".utf8))
      }
    }
  }

  @Test func `everything written arrives even if the server did not read everything`() async throws {
    try await withConnection(over: .sockets, handler: Self.handle) { client in
      // More than the server reads along with the head, so that some of it stays unread.
      try await client.send(Self.upgrade("/greet") + String(repeating: "x", count: 100_000))
      #expect(try await client.readHead().status == 101)
      #expect(try await client.readExactly(5) == Array("hello".utf8))
      try await client.expectEnd()
    }
  }

  @Test(arguments: [Transport.whole, .sockets])
  func `an error is logged and closes the stream`(_ transport: Transport) async throws {
    let log = Log()
    try await withConnection(over: transport, options: log.options, handler: Self.handle) { client in
      try await client.send(Self.upgrade("/bug"))
      #expect(try await client.readHead().status == 101)
      try await client.send("x")
      try await client.expectEnd()
    }
    #expect(log.lines == ["GET /bug: Bug()"])
  }

  // MARK: HTTP/2

  private static let offer = [(":protocol", "echo")]

  @Test(arguments: Transport.allCases)
  func `HTTP/2 hands over a stream while others are served`(_ transport: Transport) async throws {
    try await withHTTP2(over: transport, handler: Self.handle) { client in
      let stream = try await client.open("/echo", Self.offer)
      let head = try await client.readHead(on: stream)
      #expect(head.status == 200 && head["x-told"] == "yes" && head["upgrade"] == nil)
      #expect(try await client.get("/").text == "plain")
      let large = [UInt8](repeating: 7, count: 200_000)
      for start in stride(from: 0, to: large.count, by: 10_000) {
        try await client.send(Array(large[start..<start + 10_000]), on: stream)
        try await client.readBody(on: stream, upTo: start + 10_000)
      }
      try await client.send([], on: stream, ends: true)
      #expect(try await client.readResponse(on: stream).body == large)
      #expect(try await client.get("/").text == "plain")
    }
  }

  @Test(arguments: Transport.allCases)
  func `each direction of an HTTP/2 tunnel ends separately`(_ transport: Transport) async throws {
    try await withHTTP2(over: transport, handler: Self.handle) { client in
      let stream = try await client.open("/collect", Self.offer)
      try await client.readBody(on: stream, upTo: 5)
      try await client.send([UInt8](repeating: 7, count: 1000), on: stream)
      try await client.send([UInt8](repeating: 7, count: 234), on: stream, ends: true)
      #expect(try await client.readResponse(on: stream).text == "ready1234")
      let greeting = try await client.open("/greet", Self.offer)
      #expect(try await client.readResponse(on: greeting).text == "hello")
    }
  }

  @Test(arguments: Transport.allCases)
  func `HTTP/2 opens a tunnel for CONNECT`(_ transport: Transport) async throws {
    try await withHTTP2(over: transport, handler: Self.handle) { client in
      let stream = try await client.send("CONNECT", "b.example:443", ends: false)
      try await client.send(Array("hi".utf8), on: stream, ends: true)
      let response = try await client.readResponse(on: stream)
      #expect(response.status == 200 && response.text == "to b.example:443: hi")
    }
  }

  @Test func `an HTTP/2 takeover without an offer gets a 500`() async throws {
    try await withHTTP2(handler: Self.handle) { client in
      #expect(try await client.get("/echo").status == 500)
      let other = try await client.open("/echo", [(":protocol", "other")])
      #expect(try await client.readHead(on: other).status == 500)
      #expect(try await client.get("/").text == "plain")
    }
  }

  @Test func `only CONNECT may have a :protocol field`() async throws {
    try await withHTTP2(handler: Self.handle) { client in
      let stream = try await client.send("GET", "/", [(":protocol", "echo")])
      #expect(try await client.readReset(on: stream) == ErrorCode.protocolError.rawValue)
    }
  }

  @Test func `an error is logged and resets the HTTP/2 stream`() async throws {
    let log = Log()
    try await withHTTP2(options: log.options, handler: Self.handle) { client in
      let stream = try await client.open("/bug", Self.offer)
      try await client.send([1], on: stream)
      #expect(try await client.readReset(on: stream) == ErrorCode.connectError.rawValue)
    }
    #expect(log.lines == ["CONNECT /bug: Bug()"])
  }

  @Test func `a reset by the client ends a wait on the stream`() async throws {
    let (hasBegun, hasEnded) = (Gate(), Gate())
    try await withHTTP2(
      handler: { _ in
        .upgrade(to: "echo") { stream in
          hasBegun.open()
          defer { hasEnded.open() }
          _ = try await stream.read()
        }
      }
    ) { client in
      let stream = try await client.open("/", Self.offer)
      await hasBegun.wait()
      try await client.reset(stream)
      await hasEnded.wait()
    }
  }

  @Test func `a tunnel may be silent for any time`() async throws {
    try await inVirtualTime { clock in
      try await withHTTP2(clock: clock, handler: Self.handle) { client in
        let stream = try await client.open("/echo", Self.offer)
        for _ in 0..<3 {
          try await clock.sleep(for: .seconds(10))
          _ = try await client.get("/")
        }
        try await clock.sleep(for: .seconds(10))
        try await client.send([1, 2], on: stream, ends: true)
        #expect(try await client.readResponse(on: stream).body == [1, 2])
      }
      try await withConnection(clock: clock, handler: Self.handle) { client in
        try await client.send(Self.upgrade("/echo"))
        #expect(try await client.readHead().status == 101)
        try await clock.sleep(for: .seconds(600))
        try await client.send("late")
        #expect(try await client.readExactly(4) == Array("late".utf8))
      }
    }
  }

  // MARK: Routes

  private static let router: Router = {
    var router = Router()
    router.upgrade("/rooms/:name") { request in
      let name = request.parameters["name"] ?? ""
      guard request.offersUpgrade(to: "echo") else { throw HTTPError(.upgradeRequired, headers: ["Upgrade": "echo"]) }
      return .upgrade(to: "echo") { try await $0.write(Array(name.utf8)) }
    }
    return router
  }()

  @Test func `a route for another protocol serves both versions`() async throws {
    try await withConnection(over: .whole, handler: Self.router) { client in
      let refused = try await client.get("/rooms/a")
      #expect(refused.status == 426 && refused["Upgrade"] == "echo" && refused["Connection"] == "Upgrade")
      #expect(try await client.get("/rooms/").status == 404)
      try await client.send(Self.upgrade("/rooms/a"))
      #expect(try await client.readHead().status == 101)
      #expect(try await client.readExactly(1) == Array("a".utf8))
    }
    try await withHTTP2(over: .whole, handler: Self.router) { client in
      let refused = try await client.get("/rooms/b")
      #expect(refused.status == 426 && refused["upgrade"] == nil)
      let stream = try await client.open("/rooms/b", Self.offer)
      #expect(try await client.readResponse(on: stream).text == "b")
    }
  }

  // MARK: Servers

  @Test(arguments: Backend.allCases)
  func `a server counts takeovers as in flight, and ends them after the grace period`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      let server = try await setup.server(.quiet, Self.handle)
      let running = setup.runtime.spawn { try await server.run() }
      let http1 = try await setup.client(of: server)
      try await http1.send(Self.upgrade("/echo"))
      #expect(try await http1.readHead().status == 101)
      let http2 = try await setup.http2Client(of: server)
      let stream = try await http2.open("/echo", Self.offer)
      #expect(try await http2.readHead(on: stream).status == 200)
      #expect(server.metrics.requestsInFlight == 2)
      await setup.clock.flying { await server.shutdown(grace: .seconds(1)) }
      #expect(server.metrics.requestsInFlight == 0 && server.metrics.openConnections == 0)
      try await running.value
      #expect(try await http1.readToEnd().isEmpty)
      http2.stream.close()
      http1.stream.close()
    }
  }
}

extension HTTP2TestClient {
  /// Opens a stream with an extended CONNECT, and leaves it open.
  fileprivate func open(_ path: String, _ fields: [(String, String)]) async throws -> UInt32 {
    try await send("CONNECT", path, fields, ends: false)
  }

  /// Reads until `count` bytes of content have arrived on `stream`.
  fileprivate func readBody(on stream: UInt32, upTo count: Int) async throws {
    while body(on: stream).count < count { try await readFrame() }
  }
}

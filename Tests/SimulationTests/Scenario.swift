import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting

/// A server on its own host, and clients on others that send many kinds of requests at once.
struct Scenario: Sendable {
  enum Version: String, CaseIterable, Sendable { case http1, http2, upgraded }

  /// The kind of a request.
  enum Kind: CaseIterable, Sendable {
    /// A short response at once.
    case item
    /// The same in response to `HEAD`.
    case head
    /// A short response after a while.
    case wait
    /// A long response in pieces.
    case big
    /// The request's content, sent back as it arrives.
    case echo
    /// The same, with a length that is not known beforehand.
    case chunked
    /// A response at once to content that the handler does not read.
    case refuse
    /// An error.
    case fail

    var method: String {
      switch self {
      case .item, .wait, .big, .fail: "GET"
      case .head: "HEAD"
      case .echo, .chunked, .refuse: "POST"
      }
    }

    var hasContent: Bool { method == "POST" }
    var status: Int { self == .fail ? 500 : 200 }
  }

  /// The behaviour of a client.
  enum Manner: CaseIterable, Sendable {
    case patient
    /// Pauses while it reads.
    case slow
    /// Disconnects at any time.
    case fickle
  }

  let version: Version
  let runtime: SimulatedRuntime
  let ledger = Ledger()
  let host: SimulatedRuntime
  let server: Server<SimulatedRuntime, Router>
  private let serving: Task<Void, any Error>
  private let patience: Verdict.Patience
  /// How much the server lets a client send on all streams of a connection together.
  private let connectionWindow: Int

  init(_ version: Version, on runtime: SimulatedRuntime, options: ServerOptions = ServerOptions()) async throws {
    let host = runtime.host()
    var options = options
    // Some handlers fail on purpose.
    options.log = { _ in }
    let server = try await Server(
      runtime: host, address: .ipv4(host.address, port: 80), options: options,
      handler: Self.router(ledger, host.clock))
    patience = Verdict.Patience(options)
    connectionWindow = options.http2.initialConnectionWindow
    self.version = version
    self.runtime = runtime
    self.host = host
    self.server = server
    serving = host.spawn { try await server.run() }
  }

  private static func router(_ ledger: Ledger, _ clock: SimulatedClock) -> Router {
    let sees: @Sendable (Request) throws -> Int = { request in
      guard let number = request.parameters["number"].flatMap({ Int($0) }) else { throw HTTPError(.badRequest) }
      ledger.handle(number)
      return number
    }
    var router = Router()
    router.get("/item/:number") { request in Response(body: .bytes(expected(.item, try sees(request)))) }
    router.get("/head/:number") { request in Response(body: .bytes(expected(.item, try sees(request)))) }
    router.get("/wait/:number") { request in
      let number = try sees(request)
      try await clock.sleep(for: .milliseconds(.random(in: 0...2000)))
      return Response(body: .bytes(expected(.wait, number)))
    }
    router.get("/big/:number") { request in
      let number = try sees(request)
      return Response(
        body: .stream { writer in
          var rest = expected(.big, number)[...]
          while !rest.isEmpty {
            let piece = rest.prefix(.random(in: 1...9000))
            rest = rest.dropFirst(piece.count)
            try await writer.write(Array(piece))
            if Bool.random() { try await clock.sleep(for: .milliseconds(1)) }
          }
        })
    }
    for kind in [Kind.echo, .chunked] {
      router.post("/\(kind)/:number") { request in
        _ = try sees(request)
        return Response(
          body: .stream(length: request.body.length) { writer in
            for try await chunk in request.body { try await writer.write(chunk) }
          })
      }
    }
    router.post("/refuse/:number") { request in Response(body: .bytes(expected(.refuse, try sees(request)))) }
    router.get("/fail/:number") { request in
      _ = try sees(request)
      struct Broken: Error {}
      throw Broken()
    }
    return router
  }

  /// Returns the body that the response to a request must have.
  static func expected(_ kind: Kind, _ number: Int) -> [UInt8] {
    switch kind {
    case .item, .wait, .refuse: Array("\(kind) \(number)".utf8)
    case .head, .fail: []
    case .big: (0..<20_000 + number * 37 % 30_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ number) }
    case .echo, .chunked: content(of: number)
    }
  }

  /// Returns the content of a request.
  static func content(of number: Int) -> [UInt8] {
    (0..<number * 1009 % 100_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ number) }
  }

  // MARK: Clients

  /// Makes a client on a new host open `connections` connections with some requests each, and waits for all to end.
  func runClient(connections: Int, requests: Int, manners: [Manner] = [.patient, .slow]) async throws {
    let client = runtime.host()
    let tasks = (0..<connections).map { _ in
      client.spawn {
        try await connect(client, (manners.randomElement() ?? .patient), requests: requests)
      }
    }
    for task in tasks { try await task.value }
  }

  private func connect(_ client: SimulatedRuntime, _ manner: Manner, requests: Int) async throws {
    let stream: SimulatedStream
    do throws(IOError) {
      stream = try await client.connect(to: server.localAddress)
    } catch {
      // Refused, by a server that has ended or by a fault.
      if !server.isShuttingDown { ledger.noteRefusedConnection() }
      return
    }
    defer { stream.close() }
    let verdict = Verdict(stream: stream, manner: manner, patience: patience) { [server] in server.isShuttingDown }
    let leaving =
      manner == .fickle
      ? client.spawn {
        try await client.clock.sleep(for: .milliseconds(.random(in: 0...1000)))
        stream.close()
      } : nil
    let plan = (0..<requests).map { _ in (number: ledger.next(), kind: Kind.allCases.randomElement() ?? .item) }
    switch version {
    case .http1: try await talkHTTP1(client, verdict, plan[...])
    case .http2: try await talkHTTP2(client, HTTP2TestClient(stream), verdict, plan[...])
    case .upgraded: try await upgrade(client, verdict, plan[...])
    }
    leaving?.cancel()
    _ = await leaving?.result
  }

  private typealias Plan = ArraySlice<(number: Int, kind: Kind)>

  private func dawdle(_ client: SimulatedRuntime, _ manner: Manner) async throws {
    guard manner == .slow, Bool.random() else { return }
    try await client.clock.sleep(for: .milliseconds(.random(in: 0...500)))
  }

  private func talkHTTP1(_ client: SimulatedRuntime, _ verdict: Verdict, _ plan: Plan) async throws {
    let (stream, manner) = (verdict.stream, verdict.manner)
    // Sends while it reads: the server answers a pipeline in order.
    let sender = client.spawn {
      for (number, kind) in plan {
        try await stream.write("\(kind.method) /\(kind)/\(number) HTTP/1.1\r\nHost: sim\r\n")
        let content = kind.hasContent ? Self.content(of: number) : []
        if kind == .chunked {
          try await stream.write("Transfer-Encoding: chunked\r\n\r\n")
          for start in stride(from: 0, to: content.count, by: 7000) {
            let piece = content[start..<min(start + 7000, content.count)]
            try await stream.write(String(piece.count, radix: 16) + "\r\n")
            try await stream.write(Array(piece) + [13, 10])
          }
          try await stream.write("0\r\n\r\n")
        } else {
          try await stream.write(kind.hasContent ? "Content-Length: \(content.count)\r\n\r\n" : "\r\n")
          try await stream.write(content)
        }
        try await dawdle(client, manner)
      }
    }
    let reader = HTTPTestClient(stream)
    for (number, kind) in plan {
      try await dawdle(client, manner)
      let response: TestResponse
      do {
        response = try await reader.readResponse(to: kind.method)
      } catch  where error is IOError || error as? TestClientError == .endOfStream {
        try verdict.checkEnd("the connection of request \(number), \(kind),")
        break
      }
      try check(response, number, kind, verdict)
      if response["connection"] == "close" {
        try verdict.checkClosing()
        break
      }
    }
    stream.close()
    _ = await sender.result
  }

  private func upgrade(_ client: SimulatedRuntime, _ verdict: Verdict, _ plan: Plan) async throws {
    guard let first = plan.first else { return }
    let reader = HTTPTestClient(verdict.stream)
    let http2: HTTP2TestClient<SimulatedStream>
    do {
      try await verdict.stream.write(
        "GET /item/\(first.number) HTTP/1.1\r\nHost: sim\r\nConnection: Upgrade, HTTP2-Settings\r\n"
          + "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n")
      let response = try await reader.readHead()
      // A server that is shutting down answers in HTTP/1.1.
      guard response.status == 101 else {
        var response = response
        try verdict.checkClosing()
        response.body = try await reader.readExactly(response["content-length"].flatMap { Int($0) } ?? 0)
        return try check(response, first.number, .item, verdict)
      }
      http2 = HTTP2TestClient(verdict.stream, after: reader)
    } catch  where error is IOError || error as? TestClientError == .endOfStream {
      return try verdict.checkEnd("the connection of request \(first.number), which was to be upgraded,")
    }
    try await talkHTTP2(client, http2, verdict, plan.dropFirst(), open: [(1, first.number, .item)])
  }

  private func talkHTTP2(
    _ host: SimulatedRuntime, _ client: HTTP2TestClient<SimulatedStream>, _ verdict: Verdict, _ plan: Plan,
    open: [(stream: UInt32, number: Int, kind: Kind)] = []
  ) async throws {
    let manner = verdict.manner
    var open = open
    do {
      try await client.start()
      for (number, kind) in plan {
        let id = try await client.send(kind.method, "/\(kind)/\(number)", ends: !kind.hasContent)
        open.append((id, number, kind))
        if kind.hasContent { try await client.send(Self.content(of: number), on: id, ends: true) }
        if manner == .fickle, Int.random(in: 0..<4) == 0 { try await client.reset(id) }
        try await dawdle(host, manner)
      }
    } catch is IOError {
      // Responses that have arrived are still read.
    } catch TestClientError.endOfStream {
    }
    for (id, number, kind) in open {
      do {
        try await dawdle(host, manner)
        try check(try await client.readResponse(on: id), number, kind, verdict)
      } catch  where error is TestStreamError || error is IOError || error as? TestClientError == .endOfStream {
        try verdict.checkLoss(of: id, after: client.lastStream, "request \(number), \(kind), on stream \(id)")
      }
    }
    for (id, number, _) in open where id > client.lastStream ?? .max {
      try expect(!ledger.hasHandled(number), "request \(number) was handled, and the client may ask elsewhere")
    }
    try await checkWindow(client, verdict)
  }

  /// Checks that the server has given back the connection's window, except for up to half of it, for which it may save
  /// the frame.
  private func checkWindow(_ client: HTTP2TestClient<SimulatedStream>, _ verdict: Verdict) async throws {
    do {
      guard !verdict.isExcused, !server.isShuttingDown, client.lastStream == nil else { return }
      // The server has taken in everything before this request when it answers.
      let number = ledger.next()
      let response = try await client.get("/item/\(number)")
      try check(response, number, .item, verdict)
    } catch  where error is TestStreamError || error is IOError || error as? TestClientError == .endOfStream {
      return try verdict.checkEnd("a connection that was quiet")
    }
    try expect(client.settingsAreAcknowledged, "the settings were not acknowledged")
    let window = client.connectionWindow
    try expect(window >= connectionWindow / 2, "of the connection's window \(window) bytes are left")
  }

  /// Checks that a response is the one that was asked for, or a permitted refusal: 408 after a timeout, 503 when the
  /// server has no more time.
  private func check(_ response: TestResponse, _ number: Int, _ kind: Kind, _ verdict: Verdict) throws {
    if try verdict.isRefusal(response.status) { return }
    try expect(response.status == kind.status, "request \(number), \(kind), was answered with \(response.status)")
    let body = kind == .fail ? [] : response.body
    try ledger.answer(number, with: body, expecting: Self.expected(kind, number))
  }

  // MARK: Ending

  /// Shuts the server down and checks that nothing is left.
  func finish(losesNothing: Bool) async throws {
    await server.shutdown()
    try await serving.value
    try ledger.check(losesNothing: losesNothing)
    let refusals = runtime.faults.count { $0.kind == .refusal }
    try expect(ledger.refusedConnections <= refusals, "the server has refused connections")
    try expect(server.metrics.openConnections == 0, "connections are open: \(server.metrics)")
    try expect(server.metrics.requestsInFlight == 0, "requests are in flight: \(server.metrics)")
    try expect(server.metrics.heldBytes == 0, "memory is held: \(server.metrics)")
    try await runtime.expectNothingLeft()
  }
}

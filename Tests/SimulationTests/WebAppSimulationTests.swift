import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import Testing
import WebApp

/// The web app, unchanged, in simulated networks.
struct WebAppSimulationTests {
  @Test(arguments: SimulatedWebApp.Version.allCases)
  func `In a calm network every route answers every client`(
    version: SimulatedWebApp.Version
  ) async throws {
    try await simulate(seeds: Seeds.few, faults: .calm) { runtime in
      let web = try await SimulatedWebApp(on: runtime)
      try await withThrowingTaskGroup { group in
        for _ in 0..<3 {
          group.addTask {
            let connections = try await web.ask(Question.allCases.shuffled(), version)
            if connections != 1 { throw Ledger.Wrong("it took \(connections) connections") }
          }
        }
        try await group.waitForAll()
      }
      let total = web.server.metrics.totalRequests
      if total != 3 * Question.allCases.count { throw Ledger.Wrong("\(total) requests came") }
      try await web.finish()
    }
  }

  @Test(arguments: SimulatedWebApp.Version.allCases)
  func `In a rough network every route answers in the end, and never wrongly`(
    version: SimulatedWebApp.Version
  ) async throws {
    try await simulate(seeds: Seeds.many, faults: .rough) { runtime in
      let web = try await SimulatedWebApp(on: runtime)
      try await withThrowingTaskGroup { group in
        for _ in 0..<3 { group.addTask { _ = try await web.ask(Question.allCases.shuffled(), version) } }
        try await group.waitForAll()
      }
      try await web.finish()
    }
  }

  @Test(arguments: SimulatedWebApp.Version.allCases)
  func `A hundred sleeps of a second at once take a second`(version: SimulatedWebApp.Version) async throws {
    try await simulate(seeds: Seeds.few) { runtime in
      let web = try await SimulatedWebApp(on: runtime)
      let client = runtime.host()
      let start = runtime.clock.now
      switch version {
      case .http1:
        let sleeps = (0..<100).map { _ in
          client.spawn { try await web.ask([.sleep(1000)], version, from: client) }
        }
        for sleep in sleeps { _ = try await sleep.value }
      case .http2:
        let sleeps = Array(repeating: Question.sleep(1000), count: 100)
        let connections = try await web.ask(sleeps, version, from: client)
        if connections != 1 { throw Ledger.Wrong("it took \(connections) connections") }
      }
      let elapsed = start.duration(to: runtime.clock.now)
      if elapsed != .seconds(1) { throw Ledger.Wrong("it took \(elapsed)") }
      try await web.finish()
    }
  }

  @Test(arguments: SimulatedWebApp.Version.allCases)
  func `In a day of uptime a request an hour is answered`(version: SimulatedWebApp.Version) async throws {
    let report = try await simulate(seed: 1, faults: .calm) { runtime in
      let web = try await SimulatedWebApp(on: runtime)
      let client = runtime.host()
      for _ in 0..<24 {
        try await client.clock.sleep(for: .seconds(3600))
        let connections = try await web.ask([.hello], version, from: client)
        if connections != 1 { throw Ledger.Wrong("it took \(connections) connections") }
      }
      let metrics = web.server.metrics
      if (metrics.totalRequests, metrics.totalConnections) != (24, 24) { throw Ledger.Wrong("\(metrics)") }
      try await web.finish()
    }
    #expect(report.duration >= .seconds(86_400) && report.duration < .seconds(86_400 + 60))
  }

  @Test func `Stopping ends streams and idle connections, and lets requests in flight finish`() async throws {
    try await simulate(seeds: Seeds.many, faults: .calm) { runtime in
      let web = try await SimulatedWebApp(on: runtime)
      let (idle, streaming) = (try await web.client(), try await web.client())
      let (sleeping, echoing) = (try await web.client(), try await web.client())
      try Question.health.check(try await idle.get("/healthz"))
      try await streaming.send("GET /stream HTTP/1.1\r\nHost: sim\r\n\r\n")
      try await sleeping.send("GET /sleep?ms=9000 HTTP/1.1\r\nHost: sim\r\n\r\n")
      try await echoing.send("POST /echo HTTP/1.1\r\nHost: sim\r\nContent-Length: 4\r\n\r\n")
      try await runtime.clock.sleep(for: .milliseconds(.random(in: 1000...4000)))
      let stopped = web.stop()
      let start = runtime.clock.now
      try expect(try await idle.stream.read().isEmpty, "the idle connection got something")
      try expect(
        start.duration(to: runtime.clock.now) < .milliseconds(50), "the idle connection was not closed at once")
      let stream = try await streaming.readResponse()
      try expect(start.duration(to: runtime.clock.now) < .milliseconds(1050), "the stream went on")
      try expect(stream.text.hasSuffix("\n\n"), "the stream ended within an event")
      try await echoing.send("last")
      let echo = try await echoing.readResponse()
      try expect(echo.text == "last" && echo["connection"] == "close", "the echo was \(echo)")
      try Question.sleep(9000).check(try await sleeping.readResponse())
      for client in [streaming, sleeping, echoing] {
        try expect(try await client.stream.read().isEmpty, "a connection was not closed")
        client.stream.close()
      }
      idle.stream.close()
      try await stopped.value
      try expect(start.duration(to: runtime.clock.now) < .seconds(10), "the shutdown took the whole grace")
      try await web.finish()
    }
  }

  @Test func `Stopping ends streams of HTTP/2, and lets requests in flight finish`() async throws {
    try await simulate(seeds: Seeds.many, faults: .calm) { runtime in
      let web = try await SimulatedWebApp(on: runtime)
      let client = try await web.http2Client()
      let streaming = try await client.send("GET", "/stream")
      let sleeping = try await client.send("GET", "/sleep?ms=9000")
      let echoing = try await client.send("POST", "/echo", ends: false)
      try await runtime.clock.sleep(for: .milliseconds(.random(in: 1000...4000)))
      let stopped = web.stop()
      let start = runtime.clock.now
      let stream = try await client.readResponse(on: streaming)
      try expect(start.duration(to: runtime.clock.now) < .milliseconds(1050), "the stream went on")
      try expect(stream.text.hasSuffix("\n\n"), "the stream ended within an event")
      try await client.send(Array("last".utf8), on: echoing, ends: true)
      try expect(try await client.readResponse(on: echoing).text == "last", "wrong echo")
      try Question.sleep(9000).check(try await client.readResponse(on: sleeping))
      try await client.readToEnd()
      client.stream.close()
      try await stopped.value
      try expect(start.duration(to: runtime.clock.now) < .seconds(10), "the shutdown took the whole grace")
      try await web.finish()
    }
  }

  @Test(arguments: SimulatedWebApp.Version.allCases)
  func `Whenever it is stopped, in a rough network, it has ended when the grace is over`(
    version: SimulatedWebApp.Version
  ) async throws {
    try await simulate(seeds: Seeds.many, faults: .rough) { runtime in
      let web = try await SimulatedWebApp(on: runtime)
      // Streams of events are cut short when the app stops, even those of a given length.
      let questions = Question.allCases.filter { $0 != .stream(3) }
      try await withThrowingTaskGroup { group in
        for _ in 0..<3 {
          group.addTask {
            do {
              _ = try await web.ask([.endless] + questions.shuffled(), version)
            } catch is Unreachable {
              // The app has stopped.
            }
          }
        }
        group.addTask {
          try await runtime.clock.sleep(for: .milliseconds(.random(in: 0...8000)))
          runtime.note("the web app is stopped")
          let start = runtime.clock.now
          try await web.stop().value
          let elapsed = start.duration(to: runtime.clock.now)
          try expect(elapsed <= ServerOptions().shutdownGrace, "it took \(elapsed)")
        }
        try await group.waitForAll()
      }
      try await web.finish()
    }
  }
}

// MARK: -

/// The web app on its own host.
struct SimulatedWebApp: Sendable {
  enum Version: String, CaseIterable, Sendable { case http1, http2 }

  let runtime: SimulatedRuntime
  let host: SimulatedRuntime
  let app: WebApp<SimulatedRuntime>
  let server: Server<SimulatedRuntime, Router>
  private let serving: Task<Void, any Error>

  init(on runtime: SimulatedRuntime) async throws {
    self.runtime = runtime
    let host = runtime.host()
    let app = WebApp(runtime: host)
    let server = try await app.makeServer(on: .ipv4(host.address, port: 80))
    (self.host, self.app, self.server) = (host, app, server)
    serving = host.spawn { try await server.run() }
  }

  func client() async throws -> HTTPTestClient<SimulatedStream> {
    HTTPTestClient(try await runtime.connect(to: server.localAddress))
  }

  func http2Client() async throws -> HTTP2TestClient<SimulatedStream> {
    let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
    try await client.start()
    return client
  }

  /// Asks `questions`, over a new connection whenever one breaks, until all have been answered.
  ///
  /// - Returns: the number of connections.
  func ask(
    _ questions: [Question], _ version: Version, from host: SimulatedRuntime? = nil
  ) async throws -> Int {
    let host = host ?? runtime.host()
    var open = questions
    var connections = 0
    while !open.isEmpty {
      connections += 1
      if connections > 1 { try await host.clock.sleep(for: .milliseconds(100)) }
      guard connections <= 100 else { throw Unreachable() }
      let stream: SimulatedStream
      do throws(IOError) {
        stream = try await host.connect(to: server.localAddress)
      } catch {
        continue  // Refused, by a fault or by a server that has ended.
      }
      defer { stream.close() }
      do {
        switch version {
        case .http1: try await talk(HTTPTestClient(stream), &open)
        case .http2: try await talk(HTTP2TestClient(stream), &open)
        }
      } catch is IOError {
      } catch is TestStreamError {
      } catch TestClientError.endOfStream {
      }
    }
    return connections
  }

  private func talk(_ client: HTTPTestClient<SimulatedStream>, _ open: inout [Question]) async throws {
    while let question = open.last {
      let content = question.content
      let length = content.map { "Content-Length: \($0.count)\r\n" } ?? ""
      try await client.send("\(question.method) \(question.target) HTTP/1.1\r\nHost: localhost\r\n\(length)\r\n")
      if let content { try await client.send(content) }
      try question.check(try await client.readResponse())
      open.removeLast()
    }
  }

  /// Asks all open questions at once.
  private func talk(_ client: HTTP2TestClient<SimulatedStream>, _ open: inout [Question]) async throws {
    try await client.start()
    var streams: [UInt32] = []
    for question in open {
      let stream = try await client.send(question.method, question.target, ends: question.content == nil)
      streams.append(stream)
      if let content = question.content { try await client.send(content, on: stream, ends: true) }
    }
    while let question = open.last, let stream = streams.popLast() {
      try question.check(try await client.readResponse(on: stream))
      open.removeLast()
    }
  }

  /// Stops the app, as a signal does.
  func stop() -> Task<Void, any Error> {
    app.isStopping.set()
    return runtime.spawn { [server] in await server.shutdown() }
  }

  /// Stops the app, and checks that nothing is left.
  func finish() async throws {
    try await stop().value
    try await serving.value
    let metrics = server.metrics
    try expect(metrics.openConnections == 0 && metrics.requestsInFlight == 0, "something is open: \(metrics)")
    try await runtime.expectNothingLeft()
  }
}

/// The client has given up.
private struct Unreachable: Error {}

/// A request to the web app, and the response that it must get.
enum Question: Hashable, CaseIterable, Sendable {
  case hello, sleep(Int), block, stall, echo(Int), headers, stream(Int), endless, health, runtime, plaintext, favicon
  case unknown, nonsense

  /// All questions whose responses end by themselves.
  static var allCases: [Question] {
    [
      .hello, .sleep(1000), .sleep(0), .block, .stall, .echo(0), .echo(20_000), .headers, .stream(3), .health,
      .runtime,
      .plaintext, .favicon, .unknown, .nonsense,
    ]
  }

  var method: String { content == nil ? "GET" : "POST" }

  var target: String {
    switch self {
    case .hello: "/"
    case .sleep(let milliseconds): "/sleep?ms=\(milliseconds)"
    case .block: "/block?ms=1"
    case .stall: "/stall?ms=1"
    case .echo: "/echo"
    case .headers: "/headers?x=y"
    case .stream(let count): "/stream?count=\(count)"
    case .endless: "/stream"
    case .health: "/healthz"
    case .runtime: "/runtime"
    case .plaintext: "/plaintext"
    case .favicon: "/favicon.ico"
    case .unknown: "/no/such/page"
    case .nonsense: "/sleep?ms=soon"
    }
  }

  var content: [UInt8]? {
    guard case .echo(let count) = self else { return nil }
    return (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 5) }
  }

  private var status: Int {
    switch self {
    case .stall: 403
    case .unknown: 404
    case .nonsense: 400
    case .favicon: 204
    default: 200
    }
  }

  /// Checks that a response has everything that it must have and, if it is known completely, nothing else.
  func check(_ response: TestResponse) throws {
    try expect(response.status == status, "\(target) was answered with \(response.status)")
    let text = response.text
    switch self {
    case .hello: try expect(text.contains("<em>simulated</em>"), "the page does not name the runtime")
    case .sleep(let milliseconds):
      try expect(text.contains("Slept for \(milliseconds) ms"), "it slept otherwise: \(text)")
    case .block: try expect(text.contains("Blocked a thread"), "it did not block: \(text)")
    case .stall, .unknown, .nonsense: try expect(!text.isEmpty, "\(target) was not explained")
    case .echo: try expect(response.body == content, "what came back was not what was sent")
    case .headers:
      // Names are lowercase in HTTP/2.
      let name = response.version == "HTTP/2" ? "host" : "Host"
      try expect(
        text == "GET /headers?x=y \(response.version)\n\(name): localhost\n", "the head came as \(text)")
    case .stream(let count):
      let events = (1...count).map { "id: \($0)\nevent: tick\ndata: {\"tick\":\($0),\"runtime\":\"simulated\"}\n\n" }
      try expect(text == events.joined(), "the events were \(text)")
    case .endless: try expect(text.isEmpty || text.hasSuffix("\n\n"), "the stream ended within an event")
    case .health: try expect(text == "ok\n", "it is not well: \(text)")
    case .runtime: try expect(text.contains("\"runtime\": \"simulated\""), "the runtime is another: \(text)")
    case .plaintext: try expect(text == "Hello, World!", "the plain text was \(text)")
    case .favicon: try expect(text.isEmpty, "there is an icon")
    }
  }
}

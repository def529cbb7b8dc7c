import Glibc
import Runtime
import RuntimeHTTP
import RuntimePrimitives
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import WebApp

/// The whole web app over real sockets, on every backend and over both versions of HTTP.
@Suite struct LiveAppTests {
  @Test(arguments: Backend.allCases, Version.allCases)
  func everyRouteAnswersAndThePageNamesTheBackend(backend: Backend, version: Version) async throws {
    try await backend.withRuntime(workers: 2) { try await visit($0, version) }
  }

  private func visit(_ runtime: some AsyncRuntime, _ version: Version) async throws {
    let live = try await LiveApp(runtime)
    try await live.serve {
      let client = try await live.client(version)
      let name = live.runtime.name
      #expect(try await client.get("/").text.contains("<em>\(name)</em>"))
      #expect(try await client.get("/sleep?ms=1").status == 200)
      #expect(try await client.get("/block?ms=1").status == 200)
      #expect(try await client.get("/stall?ms=1").status == 403)
      #expect(try await client.get("/nowhere").status == 404)
      #expect(try await client.get("/plaintext").text == "Hello, World!")
      #expect(try await client.get("/stream?count=2&ms=1").text.contains("\"runtime\":\"\(name)\""))
      let status = try await client.get("/runtime").text
      #expect(status.contains("\"runtime\": \"\(name)\""))
      #expect(status.contains("\"connections\": {\"open\": 1, \"total\": 1}"))
      #expect(status.contains("\"requests\": {\"inFlight\": 1, \"total\": 8}"))
      client.close()
    }
  }

  /// The main purpose of the project.
  @Test(arguments: Backend.allCases, Version.allCases)
  func aHundredSleepsOfASecondEndTogetherOnOneWorkerWhileOtherRequestsAreAnswered(
    backend: Backend, version: Version
  ) async throws {
    // In a process of its own: beside other tests, on Swift's pool, the clients would wait longer than the server's
    // handlers.
    await #expect(processExitsWith: .success) { [backend, version] in
      try await backend.withRuntime(workers: 1) { runtime in
        // A busy machine may take the whole second until all are asleep; then they sleep longer. A server that serves
        // one request after another would never succeed.
        for seconds in [1, 2, 4, 8, 16] {
          if try await Self.sleepTogether(runtime, version, seconds: seconds) { return }
        }
        Issue.record("no answer came while the hundred slept")
      }
    }
  }

  /// - Returns: whether most slept at once, and other requests were answered meanwhile.
  private static func sleepTogether(
    _ runtime: some AsyncRuntime, _ version: Version, seconds: Int
  ) async throws -> Bool {
    let live = try await LiveApp(runtime)
    var isShown = false
    try await live.serve {
      let other = try await live.client()
      var answers = 0
      var mostAtOnce = 0
      let start = ContinuousClock.now
      let sleeps =
        version == .http1
        ? (0..<100).map { _ in Task { [try await live.sleep(seconds: seconds)] } }
        : [Task { try await live.sleepAHundredTimesAtOnce(seconds: seconds) }]
      let areOver = StopFlag()
      let waiting = Task {
        defer { areOver.set() }
        for sleep in sleeps {
          let statuses = try await sleep.value
          #expect(statuses.allSatisfy { $0 == 200 })
        }
      }
      repeat {
        let page = try await other.get("/")
        #expect(page.status == 200)
        let asleep = live.server.metrics.requestsInFlight
        mostAtOnce = max(mostAtOnce, asleep)
        answers += asleep > 0 ? 1 : 0
      } while !areOver.isSet
      try await waiting.value
      let elapsed = ContinuousClock.now - start
      other.stream.close()
      isShown = mostAtOnce >= 50 && answers > 0
      // One after another they would take a hundred times as long. Together they take it once, or more on a busy
      // machine.
      #expect(elapsed >= .seconds(seconds) && elapsed < .seconds(50 * seconds))
    }
    return isShown
  }

  @Test(arguments: Backend.allCases)
  func echoStreamsMegabytesBothWaysAtOnce(backend: Backend) async throws {
    try await backend.withRuntime(workers: 2) { try await echo($0) }
  }

  @Test(arguments: Backend.allCases)
  func echoStreamsMegabytesBothWaysOverHTTP2(backend: Backend) async throws {
    try await backend.withRuntime(workers: 2) { try await echoByHTTP2($0) }
  }

  private func echoByHTTP2(_ runtime: some AsyncRuntime) async throws {
    let live = try await LiveApp(runtime)
    try await live.serve {
      let client = try await live.http2Client()
      let bytes = (0..<4 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 5) }
      let streams = [
        try await client.send("POST", "/echo", ends: false), try await client.send("POST", "/echo", ends: false),
      ]
      for start in stride(from: 0, to: bytes.count, by: 1 << 16) {
        for stream in streams {
          try await client.send(
            Array(bytes[start..<start + 1 << 16]), on: stream, ends: start + 1 << 16 == bytes.count)
        }
      }
      for stream in streams {
        let response = try await client.readResponse(on: stream)
        #expect(response.status == 200 && response.body == bytes)
      }
      client.stream.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `Stopping ends streams of HTTP/2, and requests in flight finish`(backend: Backend) async throws {
    try await backend.withRuntime(workers: 2) { try await stopByHTTP2($0) }
  }

  private func stopByHTTP2(_ runtime: some AsyncRuntime) async throws {
    let live = try await LiveApp(runtime)
    try await live.serve {
      let client = try await live.http2Client()
      let streaming = try await client.send("GET", "/stream?ms=1")
      while client.body(on: streaming).isEmpty { try await client.readFrame() }
      let echoing = try await client.send("POST", "/echo", ends: false)
      while live.server.metrics.requestsInFlight < 2 { await Task.yield() }
      live.app.isStopping.set()
      async let stopped: Void = live.server.shutdown()
      // After the second GOAWAY the server opens no more streams, and it has answered none of these.
      while client.lastStream != echoing { try await client.readFrame() }
      try await client.send(Array("last".utf8), on: echoing, ends: true)
      let last = try await client.readResponse(on: echoing)
      #expect(last.text == "last")
      #expect(try await client.readResponse(on: streaming).text.contains("tick"))
      try await client.readToEnd()
      client.stream.close()
      await stopped
    }
  }

  private func echo(_ runtime: some AsyncRuntime) async throws {
    let live = try await LiveApp(runtime)
    try await live.serve {
      let client = try await live.client()
      let bytes = (0..<4 << 20).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 5) }
      let stream = client.stream
      async let sending: Void = {
        try await stream.write("POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
        for start in stride(from: 0, to: bytes.count, by: 1 << 16) {
          try await stream.write("10000\r\n")
          try await stream.write(Array(bytes[start..<start + 1 << 16]))
          try await stream.write("\r\n")
        }
        try await stream.write("0\r\n\r\n")
      }()
      let response = try await client.readResponse()
      #expect(response.status == 200 && response.body == bytes)
      try await sending
      client.stream.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `Stopping ends streams, and requests in flight finish`(backend: Backend) async throws {
    try await backend.withRuntime(workers: 2) { try await stop($0) }
  }

  private func stop(_ runtime: some AsyncRuntime) async throws {
    let live = try await LiveApp(runtime)
    try await live.serve {
      let (idle, streaming, echoing) = (try await live.client(), try await live.client(), try await live.client())
      let health = try await idle.get("/healthz")
      #expect(health.status == 200)
      try await streaming.send("GET /stream?ms=1 HTTP/1.1\r\nHost: localhost\r\n\r\n")
      _ = try await streaming.readHead()
      _ = try await streaming.readChunk()
      try await echoing.send("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n")
      while live.server.metrics.requestsInFlight < 2 { await Task.yield() }
      live.app.isStopping.set()
      async let stopped: Void = live.server.shutdown()
      // The end of the idle connection shows that the shutdown has begun.
      let end = try await idle.stream.read()
      #expect(end == [])
      try await echoing.send("last")
      let last = try await echoing.readResponse()
      #expect(last.text == "last" && last["Connection"] == "close")
      while try await streaming.readChunk() != nil {}
      for client in [idle, streaming, echoing] { client.stream.close() }
      await stopped
    }
  }

  @Test(arguments: Backend.allCases, Version.allCases)
  func `Blocking work is refused if no thread is free`(backend: Backend, version: Version) async throws {
    try await backend.withRuntime(blocking: BlockingLimits(threads: 1, queued: 0)) { try await refuse($0, version) }
  }

  private func refuse(_ runtime: some AsyncRuntime, _ version: Version) async throws {
    let live = try await LiveApp(runtime)
    try await live.serve {
      let client = try await live.client(version)
      let isOver = Monitor(false)
      let busy = runtime.spawn { try await runtime.runBlocking { isOver.wait { isOver, _ in isOver ? () : nil } } }
      while runtime.metrics.blockingThreads == 0 { await Task.yield() }
      let refusal = try await client.get("/block?ms=1")
      #expect(refusal.status == 503)
      #expect(refusal["Retry-After"] == "1")
      #expect(try await client.get("/runtime").text.contains("\"refused\": 1"))
      isOver.withLock { $0 = true }
      isOver.notifyAll()
      try await busy.value
      #expect(try await client.get("/block?ms=1").status == 200)
      client.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `An address in use is an error that names the cause`(backend: Backend) async throws {
    try await backend.withRuntime(workers: 1) { try await occupy($0) }
  }

  private func occupy(_ runtime: some AsyncRuntime) async throws {
    let listener = try await runtime.listen(on: .loopback(port: 0))
    defer { listener.close() }
    await #expect(throws: IOError(.bind, .system(EADDRINUSE))) {
      try await LiveApp(runtime, address: listener.localAddress)
    }
  }
}

/// The versions of HTTP that the app speaks. Its code does not depend on the version.
enum Version: String, CaseIterable, Codable {
  case http1, http2
}

/// A client of one of the versions.
private protocol Visitor {
  func get(_ target: String) async throws -> TestResponse
  func close()
}

extension HTTPTestClient: Visitor {
  func get(_ target: String) async throws -> TestResponse { try await request("GET", target) }
  func close() { stream.close() }
}

extension HTTP2TestClient: Visitor {
  func close() { stream.close() }
}

/// The web app, listening on a port that the system chooses.
private struct LiveApp<R: AsyncRuntime>: Sendable {
  let runtime: R
  let app: WebApp<R>
  let server: Server<R, Router>

  init(_ runtime: R, address: SocketAddress = .loopback(port: 0)) async throws {
    self.runtime = runtime
    app = WebApp(runtime: runtime)
    server = try await app.makeServer(on: address, options: .patient)
  }

  func client() async throws -> HTTPTestClient<R.Listener.Stream> {
    HTTPTestClient(try await runtime.connect(to: server.localAddress))
  }

  func http2Client() async throws -> HTTP2TestClient<R.Listener.Stream> {
    let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
    try await client.start()
    return client
  }

  func client(_ version: Version) async throws -> any Visitor {
    switch version {
    case .http1: try await client()
    case .http2: try await http2Client()
    }
  }

  /// Requests a hundred sleeps on one connection, and returns their statuses.
  func sleepAHundredTimesAtOnce(seconds: Int) async throws -> [Int] {
    let client = try await http2Client()
    defer { client.stream.close() }
    var streams: [UInt32] = []
    for _ in 0..<100 { streams.append(try await client.send("GET", "/sleep?ms=\(seconds)000")) }
    var statuses: [Int] = []
    for stream in streams { statuses.append(try await client.readResponse(on: stream).status) }
    return statuses
  }

  func sleep(seconds: Int) async throws -> Int {
    let client = try await client()
    defer { client.stream.close() }
    return try await client.get("/sleep?ms=\(seconds)000").status
  }

  /// Serves while `body` runs.
  func serve(_ body: () async throws -> Void) async throws {
    let running = runtime.spawn { try await server.run() }
    let result: Result<Void, any Error>
    do { result = .success(try await body()) } catch { result = .failure(error) }
    app.isStopping.set()
    await server.shutdown(grace: .zero)
    try await running.value
    try result.get()
  }
}

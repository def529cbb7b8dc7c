import Runtime
import RuntimeHTTP
import RuntimePrimitives
import RuntimeTestSupport
import Testing

@testable import RuntimeConsole

/// The console of a server, over real sockets.
@Suite(.timeLimit(.minutes(10))) struct ConsoleTests {
  @Test(arguments: Backend.allCases)
  func `Snapshots come one after another, and end when the server shuts down`(backend: Backend) async throws {
    try await backend.withRuntime { try await endAtShutdown($0) }
  }

  private func endAtShutdown(_ runtime: some AsyncRuntime) async throws {
    let live = try await LiveConsole(runtime)
    let looker = try await live.look()
    var times: [JSONValue?] = []
    while times.count < 3 { times.append(try await looker.next()["time"]) }
    #expect(Set(times.map { "\($0 as Any)" }).count == 3)
    // The server's timeouts are ten minutes, so the stream does not end because of them.
    async let over: Void = live.server.shutdown()
    while try await looker.chunk() != nil {}
    await over
    try await live.running.value
  }

  @Test(arguments: Backend.allCases)
  func `Tasks are watched while a client has the stream, and not before or after`(backend: Backend) async throws {
    try await backend.withRuntime { try await watchWhileLookedAt($0) }
  }

  private func watchWhileLookedAt(_ runtime: some AsyncRuntime) async throws {
    let live = try await LiveConsole(runtime)
    #expect(live.console.snapshot.tasks == nil)
    let (first, second) = (try await live.look(), try await live.look())
    #expect(try await first.next()["tasks"]?.count != nil)
    #expect(try await second.next()["tasks"]?.count != nil)
    // The second connection started while tasks were watched.
    while live.console.snapshot.tasks?.isEmpty != false { await Task.yield() }
    first.client.stream.close()
    #expect(try await second.next()["tasks"]?.count != nil)
    second.client.stream.close()
    while live.console.snapshot.tasks != nil { await Task.yield() }
    try await live.end()
  }

  @Test func `On request, tasks are watched as long as the console exists`() async throws {
    try await Backend.custom.withRuntime { runtime in
      var options = Console.Options()
      options.watchesTasksAlways = true
      let console = Console(runtime: runtime, options: options)
      let gate = Gate()
      let task = runtime.spawn(name: "to be seen") { await gate.wait() }
      #expect(console.snapshot.tasks?.contains { $0.name == "to be seen" } == true)
      gate.open()
      try await task.value
    }
  }

  @Test(arguments: Backend.allCases)
  func `A snapshot counts the requests of the console's servers`(backend: Backend) async throws {
    try await backend.withRuntime { try await count($0) }
  }

  private func count(_ runtime: some AsyncRuntime) async throws {
    let live = try await LiveConsole(runtime)
    let client = HTTPTestClient(try await runtime.connect(to: live.server.localAddress))
    for _ in 0..<5 {
      let status = try await client.get("/hello").status
      #expect(status == 200)
    }
    // The server counts a request once the system has taken its response, which may be after the client has read it.
    while live.console.snapshot.requests.first(where: { $0.route == "/hello" })?.count != 5 { await Task.yield() }
    let snapshot = live.console.snapshot
    #expect(snapshot.runtime.name == runtime.name && snapshot.runtime.workerCount == runtime.workerCount)
    #expect(snapshot.servers.map(\.address) == ["\(live.server.localAddress)"])
    #expect(snapshot.servers.first?.metrics.totalRequests == 5)
    #expect(snapshot.process.threads.map { $0 > 2 } == true)
    let metrics = try await client.get("/metrics")
    #expect(metrics["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
    #expect(try MetricsText(metrics.text).families["gearbox_server_open_connections"]?.series.values.first == "1")
    #expect(try JSONValue(try await client.get("/console/snapshot").body)["uptime"] != nil)
    client.stream.close()
    try await live.end()
  }

  @Test func `All clients get the same snapshot in one interval`() async throws {
    let samples = Recorder<Int>()
    let feed = SnapshotFeed(every: .seconds(3600), sleep: { _ in throw CancellationError() }) {
      samples.record(1)
      return Array("{\"number\":\(samples.elements.count)}".utf8)
    }
    for _ in 0..<3 {
      let body = ResponseBody.stream { try? await feed.write(to: $0) { false } }
      let text = String(decoding: try await body.collect(upTo: 1000), as: UTF8.self)
      // The same snapshot, unless the interval of an hour has just ended.
      #expect(text.contains("retry: 1000\n\ndata: {\"number\":\(samples.elements.count)}\n\n"))
    }
    #expect(samples.elements.count <= 2)
  }

  @Test func `Without /proc, figures of the process are unknown`() {
    let figures = ProcessFigures(directory: "/none")
    #expect(figures.threads == nil && figures.openDescriptors == nil && figures.startTime == nil)
    #expect(figures.residentBytes == nil && figures.virtualBytes == nil)
    // This comes from a system call.
    #expect(figures.userTime != nil)
  }

  @Test func `The figures of this process are plausible`() throws {
    let figures = ProcessFigures.current
    #expect(try #require(figures.threads) > 0)
    #expect(try #require(figures.openDescriptors) > 2)
    #expect(try #require(figures.residentBytes) > 1 << 20)
    #expect(try #require(figures.virtualBytes) > #require(figures.residentBytes))
    #expect(try #require(figures.startTime) > .seconds(1_000_000_000))
  }
}

/// A gate that tasks wait for.
private final class Gate: Sendable {
  private let (stream, continuation) = AsyncStream<Void>.makeStream()

  func open() { continuation.finish() }
  func wait() async { for await _ in stream {} }
}

/// A running server with a console.
private struct LiveConsole<R: AsyncRuntime> {
  let runtime: R
  let console: Console
  let server: Server<R, Router>
  let running: Task<Void, any Error>

  init(_ runtime: R) async throws {
    self.runtime = runtime
    var consoleOptions = Console.Options()
    consoleOptions.interval = .milliseconds(10)
    console = Console(runtime: runtime, options: consoleOptions)
    var router = Router()
    router.get("/hello") { _ in .text("hello") }
    console.addPages(to: &router)
    console.addMetrics(to: &router)
    var options = ServerOptions.patient
    options.observers.append(console.requests)
    let server = try await Server(runtime: runtime, address: .loopback(port: 0), options: options, handler: router)
    self.server = server
    console.show(server)
    running = runtime.spawn { try await server.run() }
  }

  /// Opens a stream of snapshots.
  func look() async throws -> Looker<R.Listener.Stream> {
    let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
    try await client.send("GET /console/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    let head = try await client.readHead()
    #expect(head.status == 200 && head["Content-Type"] == "text/event-stream")
    return Looker(client: client)
  }

  func end() async throws {
    await server.shutdown(grace: .zero)
    try await running.value
  }
}

private final class Looker<Stream: ByteStream> {
  let client: HTTPTestClient<Stream>
  private var text: [UInt8] = []

  init(client: HTTPTestClient<Stream>) { self.client = client }

  func chunk() async throws -> [UInt8]? { try await client.readChunk() }

  /// The next snapshot.
  func next() async throws -> JSONValue {
    while true {
      if let data = try await chunk(), data.starts(with: "data: ".utf8) {
        return try JSONValue(Array(data.dropFirst("data: ".utf8.count).dropLast(2)))
      }
    }
  }
}

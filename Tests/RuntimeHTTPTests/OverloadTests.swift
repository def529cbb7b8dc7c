import Runtime
import RuntimePrimitives
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// The conditions under which a server counts as overloaded.
@Suite(.timeLimit(.minutes(10))) struct OverloadTests {
  private static let millisecond: Int64 = 1_000_000

  private static func overload(_ log: Log = Log(), _ response: OverloadOptions.Response = .refuse) -> Overload {
    var options = OverloadOptions()
    options.target = .milliseconds(5)
    options.interval = .milliseconds(100)
    options.response = response
    return Overload(options, ErrorResponder(log.options), log: log.options.log)
  }

  /// Simulates one request per millisecond of `span`, each of which has waited for `wait`.
  ///
  /// - Returns: For each request whether it was refused.
  private static func requests(
    _ overload: Overload, in span: Range<Int64>, waiting wait: (Int64) -> Duration
  ) -> [Bool] {
    span.map { overload.refusesInput(after: QueueTime(wait($0)), at: $0 * millisecond) }
  }

  @Test func `occasional short waits mean that there is no overload, however long the other waits are`() {
    let overload = Self.overload()
    let refused = Self.requests(overload, in: 1000..<3000) { $0 % 50 == 0 ? .milliseconds(4) : .seconds(1) }
    #expect(!refused.contains(true))
  }

  @Test func `a burst that is handled within an interval is no overload`() {
    let overload = Self.overload()
    let refused = Self.requests(overload, in: 1000..<3000) { (1020..<1110).contains($0) ? .milliseconds(90) : .zero }
    #expect(!refused.contains(true))
  }

  @Test func `if all waits are too long for an interval, requests that waited over twice the target are refused`() {
    let log = Log()
    let overload = Self.overload(log)
    let refused = Self.requests(overload, in: 1000..<2000) { $0 % 2 == 0 ? .milliseconds(9) : .milliseconds(11) }
    let first = refused.firstIndex(of: true) ?? 0
    #expect((100...202).contains(first))
    for (index, isRefused) in refused.enumerated().dropFirst(first) { #expect(isRefused == (index % 2 == 1)) }
    #expect(log.lines.count == 1)
    #expect(log.lines.first?.hasPrefix("overload: every request has waited at least 9 ms for a thread") == true)
  }

  @Test func `an overload ends within two intervals after the load`() {
    let overload = Self.overload()
    _ = Self.requests(overload, in: 1000..<2000) { _ in .milliseconds(50) }
    let after = Self.requests(overload, in: 2000..<3000) { $0 % 10 == 0 ? .zero : .milliseconds(50) }
    let last = after.lastIndex(of: true) ?? 0
    #expect(last < 300)
    // Meanwhile a request that has not waited is never refused.
    #expect(after.enumerated().allSatisfy { $0.offset % 10 != 0 || !$0.element })
  }

  @Test func `waits before a pause do not count after it`() {
    let overload = Self.overload()
    let refused = (0..<20).map {
      overload.refusesInput(after: QueueTime(.seconds(1)), at: 1_000_000_000 + $0 * 250_000_000)
    }
    #expect(!refused.contains(true))
  }

  @Test func `a stream without a queue time is neither refused nor counted`() {
    let overload = Self.overload()
    _ = Self.requests(overload, in: 1000..<2000) { _ in .milliseconds(50) }
    #expect(!overload.refusesInput(after: nil, at: 2000 * Self.millisecond))
  }

  @Test func `a server that stops accepting refuses no request`() {
    let log = Log()
    let overload = Self.overload(log, .stopAccepting)
    #expect(!Self.requests(overload, in: 1000..<2000, waiting: { _ in .milliseconds(50) }).contains(true))
    #expect(log.lines.first?.hasSuffix("no connections are accepted") == true)
  }
}

/// Overloaded servers over both versions of HTTP.
@Suite(.timeLimit(.minutes(10))) struct OverloadedServerTests {
  /// A stream whose task has always waited for a long time.
  private final class LateStream: ByteStream {
    private let base: AnyStream

    init(_ base: AnyStream) { self.base = base }

    func waitUntilReadable() async throws(IOError) { try await base.waitUntilReadable() }
    func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int { try await base.read(into: &buffer) }
    func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int { try await base.writeSome(bytes) }
    func shutdownWrite() async throws(IOError) { try await base.shutdownWrite() }
    func close() { base.close() }
    func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? {
      QueueTime(.seconds(1)) as? Attribute ?? base.attribute(type)
    }
  }

  /// A listener of late streams.
  private struct LateListener: StreamListener {
    let base: AnyListener
    let accepted = Recorder<Void>()

    var localAddress: SocketAddress { base.localAddress }
    func accept() async throws(IOError) -> LateStream {
      let stream = try await base.accept()
      accepted.record(())
      return LateStream(stream)
    }
    func close() { base.close() }
    func closeAndWait() async { await base.closeAndWait() }
  }

  private final class Records: RequestObserver {
    let begun = Recorder<String>()
    let ended = Recorder<RequestRecord>()
    func requestBegan(_ request: Request, id: UInt64) { begun.record(request.path) }
    func requestEnded(_ record: RequestRecord) { ended.record(record) }
  }

  private static var options: ServerOptions {
    var options = ServerOptions.quiet
    var overload = OverloadOptions()
    // Requests have to arrive within an interval of each other, even on a busy machine.
    overload.interval = .seconds(1)
    overload.retryAfter = 7
    overload.isExempt = { $0.path == "/healthz" }
    options.overload = overload
    return options
  }

  /// Serves a connection on which every request has waited for a long time.
  private static func withConnection(_ options: ServerOptions, _ body: (AnyStream) async throws -> Void) async throws {
    let (near, far) = MemoryStream.pair(capacity: 64 * 1024)
    let handler = HandlerFunction { request in .text("\(request.path)\(try await request.text())") }
    async let served: Void = serveConnection(
      LateStream(AnyStream(far)), clock: ManualClock(), options: options, handler: handler)
    let result = await Result { try await body(AnyStream(near)) }
    near.close()
    await served
    try result.get()
  }

  /// Sends requests with `get` until the server has seen long waits for an interval and refuses a request. Exempt
  /// requests are not refused.
  private static func firstRefusal(_ get: (_ target: String) async throws -> TestResponse) async throws -> TestResponse
  {
    while true {
      let response = try await get("/a")
      if response.status != 200 { return response }
      #expect(try await get("/healthz").status == 200)
    }
  }

  @Test func `HTTP/1: requests get a 503 with Retry-After, and the connection persists`() async throws {
    let records = Records()
    var options = Self.options
    options.observers = [records]
    try await Self.withConnection(options) { stream in
      let client = Client(stream)
      let refusal = try await Self.firstRefusal { try await client.get($0) }
      #expect(refusal.status == 503)
      #expect(refusal["Retry-After"] == "7")
      #expect(refusal.text == "The server is overloaded.\n")
      // The content of a refused request is read, and the next request is found after it.
      var status = 0
      while status != 503 {
        try await client.send("POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
        status = try await client.readResponse().status
      }
      #expect(try await client.get("/healthz").status == 200)
    }
    let refused = records.ended.elements.filter(\.isRefused)
    #expect(refused.count >= 2 && refused.allSatisfy { $0.status == .serviceUnavailable && $0.ending == .complete })
    #expect(records.begun.elements.count + refused.count == records.ended.elements.count)
  }

  @Test func `HTTP/2: requests get a 503 with Retry-After, and the connection persists`() async throws {
    let records = Records()
    var options = Self.options
    options.observers = [records]
    try await Self.withConnection(options) { stream in
      let client = HTTP2TestClient(stream)
      try await client.start()
      let refusal = try await Self.firstRefusal { try await client.get($0) }
      #expect(refusal.status == 503)
      #expect(refusal["Retry-After"] == "7")
      #expect(try await client.get("/healthz").status == 200)
    }
    let refused = records.ended.elements.filter(\.isRefused)
    #expect(!refused.isEmpty && refused.allSatisfy { $0.status == .serviceUnavailable })
    #expect(records.begun.elements.count + refused.count == records.ended.elements.count)
  }

  @Test(arguments: Backend.allCases)
  func `connections wait in the backlog during an overload and are served after it`(
    backend: Backend
  ) async throws {
    var options = Self.options
    options.overload?.response = .stopAccepting
    func overload(_ runtime: some AsyncRuntime) async throws {
      let listener = LateListener(base: AnyListener(try await runtime.listen(on: .loopback(port: 0))))
      let server = Server(
        runtime: runtime, listener: listener, options: options,
        handler: HandlerFunction { request in .text(request.path) })
      let running = Task { try await server.run() }
      let first = Client(AnyStream(try await runtime.connect(to: listener.localAddress)))
      repeat { #expect(try await first.get("/a").status == 200) } while !server.metrics.isOverloaded
      // The server is already waiting for a connection when the overload begins, so it accepts one more.
      let second = Client(AnyStream(try await runtime.connect(to: listener.localAddress)))
      #expect(try await second.get("/b").text == "/b")
      let third = Client(AnyStream(try await runtime.connect(to: listener.localAddress)))
      for _ in 0..<200 {
        #expect(try await first.get("/a").status == 200)
        let count = listener.accepted.elements.count
        // The overload ends by itself if requests arrive slowly.
        guard server.metrics.isOverloaded else { break }
        #expect(count == 2)
      }
      // Without requests there is no overload.
      #expect(try await third.get("/c").text == "/c")
      await server.shutdown(grace: .zero)
      try await running.value
    }
    try await backend.withRuntime(workers: 2) { try await overload($0) }
  }

  @Test(arguments: Backend.allCases)
  func `a socket reports how long its task has waited for a thread`(backend: Backend) async throws {
    // A watchdog polls for the blocked worker, and no relief worker runs the tasks that it finds.
    var stalls = StallOptions()
    stalls.maximumReliefWorkers = 0
    stalls.report = { _ in }
    try await backend.withRuntime(workers: 1, stalls: stalls) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 0))
      let near = try await runtime.connect(to: listener.localAddress)
      let far = try await listener.accept()
      #expect(far.attribute(QueueTime.self) == nil)
      let reader = runtime.spawn {
        runtime.execute {
          // The reader waits. This job keeps the only worker busy after the reader has been woken.
          try? await near.write("x")
          guard block(until: { runtime.metrics.queueDepths.reduce(0, +) > 0 }) else { return }
          let end = ContinuousClock.now + .milliseconds(10)
          _ = block { ContinuousClock.now > end }
        }
        try await far.waitUntilReadable()
        return far.attribute(QueueTime.self)?.duration
      }
      let wait = try #require(try await reader.value)
      #expect(wait >= .milliseconds(10))
      // The reader has not waited since then.
      #expect(far.attribute(QueueTime.self) == nil)
    }
  }
}

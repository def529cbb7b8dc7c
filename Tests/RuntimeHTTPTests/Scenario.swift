import Runtime
import RuntimePrimitives
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// How the bytes of a scenario travel, which must not change its outcome.
enum Transport: CaseIterable, CustomTestStringConvertible {
  case whole
  case oneByteAtATime
  case lockstep
  case sockets

  var testDescription: String {
    switch self {
    case .whole: "whole"
    case .oneByteAtATime: "one byte at a time"
    case .lockstep: "lockstep without a buffer"
    case .sockets: "real sockets"
    }
  }
}

typealias Client = HTTPTestClient<AnyStream>

extension Client {
  /// Sends a request that is refused before all of it has been read, and returns the response's status.
  func statusOfRefusal(of text: String) async throws -> Int {
    let stream = stream
    async let sent = Result { try await stream.write(text) }
    let status = try await readResponse().status
    // The server might not read the rest.
    _ = try? await sent.get()
    return status
  }
}

/// Serves one connection with `handler` while `body` has the client's end. By default time stands still.
func withConnection(
  over transport: Transport = .whole, options: ServerOptions = .quiet, clock: some Clock<Duration> = ManualClock(),
  handler: @escaping @Sendable (Request) async throws -> Response, _ body: (Client) async throws -> Void
) async throws {
  try await withConnection(over: transport, options: options, clock: clock, handler: HandlerFunction(handler), body)
}

/// Like the function above, with a handler of any type.
func withConnection(
  over transport: Transport, options: ServerOptions = .quiet, clock: some Clock<Duration> = ManualClock(),
  handler: some Handler, _ body: (Client) async throws -> Void
) async throws {
  try await withStreams(transport) { near, far in
    async let served: Void = serveConnection(far, clock: clock, options: options, handler: handler)
    let result = await Result { try await body(Client(near)) }
    near.close()
    await served
    try result.get()
  }
}

/// Runs `body` in simulations with different seeds. Virtual time advances when no task can run, however long that takes
/// in the test's process.
func inVirtualTime(_ body: @escaping @Sendable (SimulatedClock) async throws -> Void) async throws {
  try await simulate(seeds: 1...20) { try await body($0.clock) }
}

/// Calls `body` with the client's end and the server's end of a connection.
private func withStreams(_ transport: Transport, _ body: (AnyStream, AnyStream) async throws -> Void) async throws {
  guard transport == .sockets else {
    let (near, far) = MemoryStream.pair(capacity: transport == .lockstep ? 0 : 64 * 1024)
    let server: any ByteStream = transport == .oneByteAtATime ? OneByteStream(far) : far
    return try await body(AnyStream(near), AnyStream(server))
  }
  try await Backend.concurrency.withRuntime { runtime in
    let runtime = ManualTimeRuntime(base: runtime, clock: ManualClock())
    let listener = try await runtime.listen(on: .loopback(port: 0))
    defer { listener.close() }
    let near = try await runtime.connect(to: listener.localAddress)
    try await body(near, try await listener.accept())
  }
}

extension HTTPTestClient where Stream == AnyStream {
  /// Sends `text` while `body` reads, which a client must do if no buffer lies between it and the server.
  func send(_ text: String, while body: (HTTPTestClient) async throws -> Void) async throws {
    let stream = stream
    async let sent: Void = stream.write(text)
    try await body(self)
    try await sent
  }

  /// Checks that the server has ended the connection and nothing more arrives.
  func expectEnd(sourceLocation: SourceLocation = #_sourceLocation) async throws {
    let rest = try await readToEnd()
    #expect(rest.isEmpty, "\(String(decoding: rest, as: UTF8.self))", sourceLocation: sourceLocation)
  }
}

extension ServerOptions {
  /// Options that log nothing.
  static var quiet: ServerOptions {
    var options = ServerOptions()
    options.log = { _ in }
    return options
  }
}

/// Keeps the events that are logged.
final class Log: Sendable {
  private let kept = Lock<[LogEvent]>([])
  var events: [LogEvent] { kept.withLock { $0 } }
  var lines: [String] { events.map(\.message) }
  var options: ServerOptions {
    var options = ServerOptions()
    options.log = { event in self.kept.withLock { $0.append(event) } }
    return options
  }
}

/// Opens once; tasks wait until then.
final class Gate: Sendable {
  private let state = Lock<(isOpen: Bool, waiters: [CheckedContinuation<Void, Never>])>((false, []))

  func open() {
    let waiters = state.withLock { state in
      state.isOpen = true
      defer { state.waiters = [] }
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isOpen = state.withLock { state in
        if !state.isOpen { state.waiters.append(continuation) }
        return state.isOpen
      }
      if isOpen { continuation.resume() }
    }
  }

  /// Waits until the calling task is cancelled, which opens the gate.
  func waitForCancellation() async {
    await withTaskCancellationHandler {
      await wait()
    } onCancel: {
      open()
    }
  }
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
  /// The number of occurrences of `other`.
  func components(_ other: String) -> Int {
    var count = 0
    var rest = self[...]
    while let range = rest.firstRange(of: other) {
      count += 1
      rest = rest[range.upperBound...]
    }
    return count
  }
}

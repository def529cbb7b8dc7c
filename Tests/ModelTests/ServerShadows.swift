import Runtime

// The surroundings of a server's connections: a context without options, streams, requests and handlers.

final class ConnectionContext: Sendable {
  struct Options: Sendable {
    let servesHalfClosedClients = true
    let endsStreamsToHalfClosedClients = false
    let stallLength = 16 * 1024
    let http2: Void = ()
  }

  let options = Options()
  let limits: Void = ()
  let serverName: Void = ()
  let pace: Void = ()
  let errors: Void = ()
  let ticker = Ticker()
  let memory = MemoryBudget(limit: 1024)
  let observers: RequestObservers? = nil
  let overload: Overload? = nil
  let batches = Pool { HTTP2Batch() }
  let buffers = Pool { HTTP2Buffer() }
  // Longer than the wait for a request, so that it is not over when that is.
  let headTicks: UInt64 = 8
  let stallTicks: UInt64 = 4
  let idleTicks: UInt64 = 4
  let closeTicks: UInt64 = 4
  let keepAliveTicks: UInt64 = 100

  private let closing = Atomic(false)

  func taskOptions() {}

  // The same orderings as in the real context.
  var isClosing: Bool { closing.load(ordering: .sequentiallyConsistent) }
  func beginClosing() { closing.store(true, ordering: .sequentiallyConsistent) }
}

/// A clock that the test moves. It is plain memory, because it orders nothing.
final class Ticker: @unchecked Sendable {  // One thread of the model runs at a time.
  private(set) var now: UInt64 = 0
  let period: Void = ()

  func deadline(after ticks: UInt64) -> UInt64 { now + ticks + 1 }

  func advance() -> UInt64 {
    now += 1
    return now
  }
}

/// A turn that never ends: other threads may run at any time.
struct Turn: ~Copyable, Sendable {
  static let systemCall = 0
  static let handlerCall = 0
  static let handlerTask = 0
  static let frame = 0

  var isOver: Bool { false }
  func spend(_ amount: Int) {}
  func pause() {}
  func restart() {}
  func yieldTurn() async {}
}

func secondsSince1970() -> Int { 0 }

enum FlowControl { static let initialWindow = 65_535 }
enum FrameHeader { static let size = 9 }
enum FrameType: UInt8 { case data }

// MARK: - Streams

/// The stream of a connection. It takes written data at once, or only when a task waits for that.
final class ModelStream: ByteStream, @unchecked Sendable {  // One thread of the model runs at a time.
  private let number = Model.current.memory.add(0)
  private let takesAtOnce: Bool
  private var input: [[UInt8]] = []
  private var hasFinished = false
  private(set) var isClosed = false
  /// Everything written so far.
  private(set) var output: [UInt8] = []

  init(takesAtOnce: Bool = true) { self.takesAtOnce = takesAtOnce }

  // The client's side.

  func send(_ bytes: [UInt8]) {
    stop()
    input.append(bytes)
  }

  func finish() {
    stop()
    hasFinished = true
  }

  // The server's side.

  func waitUntilReadable() async throws(IOError) {
    Model.current.wait { !self.input.isEmpty || self.hasFinished || self.isClosed }
    if isClosed { throw IOError(.read, .closed) }
  }

  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    while true {
      if let count = try tryRead(into: &buffer) { return count }
      try await waitUntilReadable()
    }
  }

  func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int? {
    stop()
    if isClosed { throw IOError(.read, .closed) }
    guard let bytes = input.first else { return hasFinished ? 0 : nil }
    input.removeFirst()
    for byte in bytes { buffer.append(byte) }
    return bytes.count
  }

  func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int {
    stop()
    if isClosed { throw IOError(.write, .closed) }
    return takesAtOnce ? take(bytes) : 0
  }

  func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int {
    stop()
    if isClosed { throw IOError(.write, .closed) }
    return take(bytes)
  }

  private func take(_ bytes: RawSpan) -> Int {
    for index in bytes.byteOffsets { output.append(bytes.unsafeLoad(fromByteOffset: index, as: UInt8.self)) }
    Model.current.note("writes \(output)")
    return bytes.byteCount
  }

  func shutdownWrite() async throws(IOError) {}

  func close() {
    stop()
    isClosed = true
  }

  private func stop() { Model.current.stop(before: .change(number)) }
}

// MARK: - Requests

typealias StreamID = UInt32

struct Status: Sendable {}
struct HeaderFields: Sendable { let isEmpty = true }

struct Request: Sendable {
  let number: StreamID
  let body: RequestBody?
  var exchange: RequestExchange?
  var trace: RequestTrace? { nil }
  let method: Void = ()
  func allowsTakeover(by response: Response) -> Bool { false }
}

class RequestExchange: @unchecked Sendable {  // It has no state.
  func sendInformational(_ status: Status, _ headers: HeaderFields) async throws {}
}

protocol RequestBodySource: AnyObject, Sendable {
  var trailers: HeaderFields { get }
  func next() async throws -> [UInt8]?
  func noteCollected(_ count: Int) throws(HTTPError)
}

struct RequestBody: Sendable {
  private let source: any RequestBodySource
  init(_ source: any RequestBodySource, length: Int?) { self.source = source }
  func next() async throws -> [UInt8]? { try await source.next() }
}

protocol BodySink: AnyObject, Sendable {
  func write(_ bytes: [UInt8]) async throws
  func flush() async throws
  func setTrailers(_ trailers: HeaderFields) throws
}

struct BodyWriter: Sendable {
  private let sink: any BodySink
  init(_ sink: any BodySink) { self.sink = sink }
  func write(_ bytes: [UInt8]) async throws { try await sink.write(bytes) }
}

enum BodyError: Error { case disconnected, ended, busy }
enum HTTPError: Error { case shortOfMemory }

struct Response: Sendable {
  struct Body: Sendable {
    enum Storage: Sendable {
      case bytes([UInt8])
      case stream(length: Int?, @Sendable (BodyWriter) async throws -> Void)
      case takeover(@Sendable (AnyStream) async throws -> Void)
    }
    let storage: Storage
  }
  let body: Body
  let status = Status()
  let headers = HeaderFields()

  init() { body = Body(storage: .bytes([])) }

  init(_ produce: @escaping @Sendable (BodyWriter) async throws -> Void) {
    body = Body(storage: .stream(length: nil, produce))
  }
}

enum ResponseFraming { static func hasContent(_ status: Status, to method: Void) -> Bool { true } }

/// Answers requests, at once or in a task of their own.
protocol Handler: Sendable {
  func respondAtOnce(to request: Request) -> Response?
  func respond(to request: Request) async -> Response
}

final class Responder<H: Handler>: Sendable {
  let context: ConnectionContext
  let executor = Executor()
  private let handler: H

  init(_ context: ConnectionContext, _ handler: H) {
    self.context = context
    self.handler = handler
  }

  struct Executor: Sendable {
    func spawn(_ options: Void, _ operation: @escaping () async throws -> Void) -> Task<Void, any Error> {
      Model.current.spawnTask("task") { try? await operation() }
    }
  }

  func respondAtOnce(to request: Request) -> Response? { handler.respondAtOnce(to: request) }
  func respond(to request: Request) async -> Response { await handler.respond(to: request) }
  func failure(_ error: any Error, _ request: Request) -> Response { Response() }
  func logInterruption(of request: Request, by error: any Error) {}
}

/// The observation of requests, which models do not use. No request is refused.
final class RequestTrace: Sendable {}

struct RequestRecord {
  enum Ending { case complete, clientGone, timedOut }
}

struct RequestObservers: Sendable { func began(_ trace: RequestTrace) {} }

struct Overload: Sendable {
  let refusal = Response()
  func refusesInput(of stream: some ByteStream) -> Bool { false }
  func refuses(_ request: Request) -> Bool { false }
}

struct RequestOrigin: Sendable {
  init(_ address: SocketAddress?, _ errors: Void, connection: ConnectionControl) {}
}

import Runtime
import Synchronization

/// What all connections of a server share.
final class ConnectionContext: Sendable {
  let options: ServerOptions
  let limits: MessageLimits
  let serverName: [UInt8]
  let ticker: Ticker
  let memory: MemoryBudget
  let observers: RequestObservers?
  let errors: ErrorResponder
  /// What tells whether there is too much to do, if anything is to be done about that.
  let overload: Overload?
  let workspaces: Pool<Workspace>
  let batches = Pool { HTTP2Batch() }
  let buffers = Pool { HTTP2Buffer() }

  /// The timeouts, in ticks.
  let headTicks: UInt64
  let stallTicks: UInt64
  /// What a client has to send, or take, while it is waited for.
  let pace: Pace.Rule
  let idleTicks: UInt64
  let farewellTicks: UInt64
  let keepAliveTicks: UInt64

  private let closing = Atomic<Bool>(false)
  private let closingIdle = Atomic<Bool>(false)

  init(_ options: ServerOptions) {
    self.options = options
    let limits = MessageLimits(options)
    self.limits = limits
    // Through a field, so that it cannot split a response either.
    let server: HeaderFields = ["Server": options.serverName ?? ""]
    serverName = Array((server["Server"] ?? "").utf8)
    memory = MemoryBudget(limit: options.maximumHeldLength)
    let observers = RequestObservers(options.observers)
    self.observers = observers
    let errors = ErrorResponder(options)
    self.errors = errors
    overload = options.overload.map { Overload($0, errors, log: options.log) }
    ticker = Ticker(for: [options.headTimeout, options.stallTimeout, options.idleTimeout])
    headTicks = ticker.ticks(in: options.headTimeout)
    stallTicks = ticker.ticks(in: options.stallTimeout)
    pace = Pace.Rule(length: options.stallLength, patience: stallTicks)
    idleTicks = ticker.ticks(in: options.idleTimeout)
    // Long enough for a round trip to anywhere; a peer that goes on sending is not worth more.
    farewellTicks = ticker.ticks(in: min(options.stallTimeout, .seconds(2)))
    keepAliveTicks = max(1, ticker.ticks(in: options.http2.keepAliveInterval))
    workspaces = Pool { Workspace(limits: limits, observers: observers) }
  }

  /// What a task of a connection, or of a request, is started with.
  func taskOptions(fileID: StaticString = #fileID, line: UInt32 = #line) -> TaskOptions {
    TaskOptions(
      location: CallSite(fileID: fileID, line: line), inheritsTaskLocals: options.inheritsTaskLocals)
  }

  /// Whether no connection is to be used for another request.
  var isClosing: Bool { closing.load(ordering: .sequentiallyConsistent) }

  /// Whether connections without a request are closed.
  var isClosingIdle: Bool { closingIdle.load(ordering: .sequentiallyConsistent) }

  func beginClosing() { closing.store(true, ordering: .sequentiallyConsistent) }

  /// The same, and begins to close connections without a request.
  func beginClosingIdle() {
    beginClosing()
    closingIdle.store(true, ordering: .sequentiallyConsistent)
  }
}

/// A clock that goes forward in steps: coarse, and so cheap that it can be read for every request.
///
/// Somebody has to call ``advance()``, no sooner than a ``period`` after the last time.
final class Ticker: Sendable {
  /// How long a tick is at least.
  let period: Duration
  private let count = Atomic<UInt64>(0)

  /// A ticker fine enough for `timeouts`: a quarter of the shortest, but between 10 ms and 1 s.
  init(for timeouts: [Duration]) {
    let shortest = timeouts.min() ?? .seconds(4)
    period = min(max(shortest / 4, .milliseconds(10)), .seconds(1))
  }

  /// The ticks that make up at least `timeout`.
  func ticks(in timeout: Duration) -> UInt64 {
    // A year is for ever, and keeps the sums far from overflowing.
    let ticks = min(max(timeout, .zero), .seconds(31_536_000)) / period
    return UInt64(ticks.rounded(.up))
  }

  /// The tick at which no less than `ticks` have passed from now on: the one that is under way does not count.
  func deadline(after ticks: UInt64) -> UInt64 { count.load(ordering: .relaxed) + ticks + 1 }

  /// The tick that is under way.
  var now: UInt64 { count.load(ordering: .relaxed) }

  /// Begins the next tick, and says which it is.
  func advance() -> UInt64 { count.wrappingAdd(1, ordering: .relaxed).newValue }
}

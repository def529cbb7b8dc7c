import Runtime
import Synchronization

/// The settings and resources that all connections of a server share.
final class ConnectionContext: Sendable {
  let options: ServerOptions
  let limits: MessageLimits
  let serverName: [UInt8]
  let ticker: Ticker
  let memory: MemoryBudget
  let observers: RequestObservers?
  let errors: ErrorResponder
  /// The overload detection, if it is enabled.
  let overload: Overload?
  let workspaces: Pool<Workspace>
  let batches = Pool { HTTP2Batch() }
  let buffers = Pool { HTTP2Buffer() }

  /// The timeouts, in ticks.
  let headTicks: UInt64
  let stallTicks: UInt64
  /// The minimum rate at which a client must send or receive while the server waits for it.
  let pace: Pace.Rule
  let idleTicks: UInt64
  let closeTicks: UInt64
  let keepAliveTicks: UInt64

  private let closing = Atomic<Bool>(false)
  private let closingIdle = Atomic<Bool>(false)

  init(_ options: ServerOptions) {
    self.options = options
    let limits = MessageLimits(options)
    self.limits = limits
    // The name goes through a header field, which validates it, so that it cannot split a response.
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
    // Long enough for a round trip to anywhere. A peer that keeps sending gets no more.
    closeTicks = ticker.ticks(in: min(options.stallTimeout, .seconds(2)))
    keepAliveTicks = max(1, ticker.ticks(in: options.http2.keepAliveInterval))
    workspaces = Pool { Workspace(limits: limits, observers: observers) }
  }

  /// Returns the options for the task of a connection or request.
  func taskOptions(fileID: StaticString = #fileID, line: UInt32 = #line) -> TaskOptions {
    TaskOptions(
      location: CallSite(fileID: fileID, line: line), inheritsTaskLocals: options.inheritsTaskLocals)
  }

  /// Whether connections must not be used for another request.
  var isClosing: Bool { closing.load(ordering: .sequentiallyConsistent) }

  /// Whether idle connections are being closed.
  var isClosingIdle: Bool { closingIdle.load(ordering: .sequentiallyConsistent) }

  func beginClosing() { closing.store(true, ordering: .sequentiallyConsistent) }

  /// Like ``beginClosing()``, and also begins to close idle connections.
  func beginClosingIdle() {
    beginClosing()
    closingIdle.store(true, ordering: .sequentiallyConsistent)
  }
}

/// A clock that advances in coarse steps, and is cheap enough to read for every request.
///
/// Its owner calls ``advance()``, no sooner than a ``period`` after the previous call.
final class Ticker: Sendable {
  /// The minimum length of a tick.
  let period: Duration
  private let count = Atomic<UInt64>(0)

  /// Creates a ticker for `timeouts`. Its period is a quarter of the shortest, but between 10 ms and 1 s.
  init(for timeouts: [Duration]) {
    let shortest = timeouts.min() ?? .seconds(4)
    period = min(max(shortest / 4, .milliseconds(10)), .seconds(1))
  }

  /// Returns the number of ticks that last at least `timeout`.
  func ticks(in timeout: Duration) -> UInt64 {
    // A timeout of more than a year is cut to a year, so that sums cannot overflow.
    let ticks = min(max(timeout, .zero), .seconds(31_536_000)) / period
    return UInt64(ticks.rounded(.up))
  }

  /// Returns the tick at which at least `ticks` have passed from now on. The tick in progress does not count.
  func deadline(after ticks: UInt64) -> UInt64 { count.load(ordering: .relaxed) + ticks + 1 }

  /// The tick in progress.
  var now: UInt64 { count.load(ordering: .relaxed) }

  /// Begins the next tick and returns its number.
  func advance() -> UInt64 { count.wrappingAdd(1, ordering: .relaxed).newValue }
}

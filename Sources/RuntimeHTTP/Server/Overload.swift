import Runtime
import RuntimePrimitives
import Synchronization

/// Detects overload of a server by how long its requests wait for a thread; see ``OverloadOptions``.
///
/// All accesses are relaxed: each figure stands for itself, and a decision based on a slightly old one is as good.
final class Overload: Sendable {
  let options: OverloadOptions
  /// The response to refused requests. It is made once, so that refusing adds little to the load.
  let refusal: Response
  private let log: @Sendable (LogEvent) -> Void

  // In nanoseconds.
  private let target: Int64
  private let interval: Int64

  /// The end of the current interval.
  private let intervalEnd = Atomic<Int64>(0)
  /// The shortest wait in the current interval.
  private let shortestWait = Atomic<Int64>(.max)
  /// The time until which the server counts as overloaded, unless the next interval extends it.
  private let overloadEnd = Atomic<Int64>(0)
  private let refused = Atomic<Int>(0)
  /// The time from which on another line may be logged.
  private let nextLine = Atomic<Int64>(0)

  init(_ options: OverloadOptions, _ errors: ErrorResponder, log: @escaping @Sendable (LogEvent) -> Void) {
    self.options = options
    self.log = log
    target = max(1, options.target.nanoseconds)
    interval = max(1, options.interval.nanoseconds)
    let error = HTTPError(
      .serviceUnavailable, "The server is overloaded.", headers: ["Retry-After": "\(max(0, options.retryAfter))"])
    refusal = errors.response(for: error, nil)
  }

  /// The number of requests refused.
  var refusedCount: Int { refused.load(ordering: .relaxed) }

  /// Whether the server is overloaded.
  var isOverloaded: Bool { MonotonicTime.now < overloadEnd.load(ordering: .relaxed) }

  /// Whether the server should accept no connections for now.
  var stopsAccepting: Bool { options.response == .stopAccepting && isOverloaded }

  /// Records how long the calling task has waited for a thread since `stream` became readable.
  ///
  /// Out of line, so that the attribute of the stream takes no space in the caller's frame.
  ///
  /// - Returns: Whether the requests that have arrived are to be refused.
  @inline(never)
  func refusesInput(of stream: some ByteStream) -> Bool { refusesInput(after: stream.attribute(QueueTime.self)) }

  /// Like ``refusesInput(of:)``, for a known wait; `nil` if the stream does not measure it.
  func refusesInput(after wait: QueueTime?, at now: Int64 = MonotonicTime.now) -> Bool {
    guard let wait else { return false }
    let nanoseconds = wait.duration.nanoseconds
    note(nanoseconds, at: now)
    return nanoseconds > 2 * target && options.response == .refuse && now < overloadEnd.load(ordering: .relaxed)
  }

  private func note(_ wait: Int64, at now: Int64) {
    let end = intervalEnd.load(ordering: .relaxed)
    if now < end {
      shortestWait.min(wait, ordering: .relaxed)
      return
    }
    guard intervalEnd.compareExchange(expected: end, desired: now + interval, ordering: .relaxed).exchanged else {
      return
    }
    let shortest = shortestWait.exchange(wait, ordering: .relaxed)
    // After a pause without requests, the previous interval says nothing about the present.
    guard shortest > target, now - end < interval else { return }
    let isNew = overloadEnd.exchange(now + 2 * interval, ordering: .relaxed) < now
    if isNew { logOverload(shortest, at: now) }
  }

  /// Logs the overload, at most once in ten seconds.
  private func logOverload(_ shortest: Int64, at now: Int64) {
    let next = nextLine.load(ordering: .relaxed)
    guard now >= next else { return }
    guard nextLine.compareExchange(expected: next, desired: now + 10_000_000_000, ordering: .relaxed).exchanged else {
      return
    }
    let measure = options.response == .refuse ? "requests are refused" : "no connections are accepted"
    log(
      LogEvent(
        .warning, "overload: every request has waited at least \(shortest / 1_000_000) ms for a thread; \(measure)"))
  }

  /// Returns whether to refuse `request`, given that requests are being refused, and counts it if so.
  func refuses(_ request: Request) -> Bool {
    if options.isExempt(request) { return false }
    refused.add(1, ordering: .relaxed)
    return true
  }
}

import Runtime
import RuntimePrimitives
import Synchronization

/// Whether a server has more to do than it can, by how long its requests wait for a thread; see ``OverloadOptions``.
///
/// All is relaxed: these are figures of their own, and a decision that is made by one that is a little old is as good.
final class Overload: Sendable {
  let options: OverloadOptions
  /// What a request gets that is refused. It is made once, as the load should not grow with what is done about it.
  let refusal: Response
  private let log: @Sendable (LogEvent) -> Void

  // In nanoseconds.
  private let target: Int64
  private let interval: Int64

  /// When the present interval ends.
  private let intervalEnd = Atomic<Int64>(0)
  /// The shortest wait in it.
  private let shortestWait = Atomic<Int64>(.max)
  /// Until when the server counts as overloaded, unless the next interval says that it goes on.
  private let overloadEnd = Atomic<Int64>(0)
  private let refused = Atomic<Int>(0)
  /// When there may be another line in the log.
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

  /// How many requests have been refused.
  var refusedCount: Int { refused.load(ordering: .relaxed) }

  /// Whether the server is overloaded.
  var isThere: Bool { MonotonicTime.now < overloadEnd.load(ordering: .relaxed) }

  /// Whether no connection is to be accepted for now.
  var stopsAccepting: Bool { options.response == .stopAccepting && isThere }

  /// Takes note of how long the calling task has waited for a thread, now that `stream` has become readable.
  ///
  /// Out of line, so that what it asks the stream for has no place in the frame of its caller.
  ///
  /// - Returns: whether what has come is to be refused.
  @inline(never)
  func refuses(whatHasComeOn stream: some ByteStream) -> Bool { refuses(after: stream.attribute(QueueTime.self)) }

  /// The same for a task that has waited so long; `nil` if that is not known.
  func refuses(after wait: QueueTime?, at now: Int64 = MonotonicTime.now) -> Bool {
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
    // Where nothing came for a while, what was before says nothing of now.
    guard shortest > target, now - end < interval else { return }
    let isNew = overloadEnd.exchange(now + 2 * interval, ordering: .relaxed) < now
    if isNew { say(shortest, at: now) }
  }

  /// Says in the log that there is overload, at most once in ten seconds.
  private func say(_ shortest: Int64, at now: Int64) {
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

  /// Whether `request` is to be refused, where others are; counts it if so.
  func refuses(_ request: Request) -> Bool {
    if options.isExempt(request) { return false }
    refused.add(1, ordering: .relaxed)
    return true
  }
}

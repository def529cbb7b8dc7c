import Glibc
import RuntimePrimitives

/// Writes stalls to a log, a line each, and no more than one a second: a process in which everything stalls must not
/// drown its log in that. Stalls without a line are counted in the next one.
final class StallLog: Sendable {
  /// The log that ``StallOptions/report`` writes to unless it is set.
  static let standard = StallLog(LineWriter.standardError)

  private let writer: LineWriter
  private let state = Lock(State())

  private struct State {
    /// When the next line may be written, in nanoseconds of the monotonic clock.
    var next: Int64 = 0
    var untold = 0
  }

  private static let pause: Int64 = 1_000_000_000

  init(_ writer: LineWriter) { self.writer = writer }

  func write(_ stall: Stall) {
    let now = MonotonicTime.now
    let untold = state.withLock { state -> Int? in
      guard now >= state.next else {
        state.untold += 1
        return nil
      }
      defer { state = State(next: now + Self.pause) }
      return state.untold
    }
    guard let untold else { return }
    let others = untold == 0 ? "" : "; \(untold) more since the last line"
    writer.write("\(Self.timestamp()) stall: \(stall)\(others)")
  }

  /// The time of day in the form of RFC 3339, as in `2026-11-28T16:20:00.123Z`.
  private static func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func digits(_ number: Int, _ count: Int = 2) -> String {
      let digits = "\(number)"
      return String(repeating: "0", count: max(0, count - digits.count)) + digits
    }
    let date = [1900 + parts.tm_year, 1 + parts.tm_mon, parts.tm_mday].map { digits(Int($0)) }.joined(separator: "-")
    let time = [parts.tm_hour, parts.tm_min, parts.tm_sec].map { digits(Int($0)) }.joined(separator: ":")
    return "\(date)T\(time).\(digits(now.tv_nsec / 1_000_000, 3))Z"
  }
}

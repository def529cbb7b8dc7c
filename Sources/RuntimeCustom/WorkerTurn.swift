import Runtime
import RuntimePrimitives

/// Determines when a busy worker has to check its sockets, its timers and the shared queue: after 61 jobs or one
/// millisecond, whichever comes first.
///
/// Reading the clock for every job would cost 5 % of a yield. Therefore it is read for every eighth job while jobs are
/// short, and for every job once eight of them take longer than an eighth of a turn.
struct WorkerTurn {
  /// The same as tokio's. It is prime, so that it does not fall into step with a program's own loops.
  private static let maximumJobs = 61
  /// The length of a turn in nanoseconds.
  private static let length: Int64 = 1_000_000
  private static let stride = 8

  private var jobsLeft = maximumJobs
  /// The number of jobs until the clock is read again.
  private var untilReading = 1
  private var start: Int64
  private var lastReading: Int64

  init() {
    start = MonotonicTime.now
    lastReading = start
  }

  /// Begins a turn, after the worker has checked or slept.
  mutating func begin() {
    start = MonotonicTime.now
    lastReading = start
    jobsLeft = Self.maximumJobs
  }

  /// Counts the job that is about to run.
  ///
  /// - Returns: whether the turn is over, so that the worker has to check first.
  mutating func isOver() -> Bool {
    jobsLeft -= 1
    untilReading -= 1
    if untilReading > 0 { return jobsLeft <= 0 }
    let now = MonotonicTime.now
    untilReading = now - lastReading < Self.length / 8 ? Self.stride : 1
    lastReading = now
    return jobsLeft <= 0 || now - start >= Self.length
  }
}

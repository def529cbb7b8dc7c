/// What a worker has done since its runtime was started. The counters only grow; they are right one by one, and not of
/// the same moment.
public struct WorkerMetrics: Hashable, Sendable {
  /// Jobs run: a task is a job each time it goes on.
  public var jobs = 0
  /// Jobs taken from another worker's queue. They count among `jobs` of the worker that runs them.
  public var stolenJobs = 0
  /// How often the worker had nothing to do and went to sleep, or gave its thread back.
  public var parks = 0
  /// How often another thread woke it with a system call, or asked for a thread.
  public var wakes = 0
  /// For how long the worker has run jobs, as far as looks at it every few milliseconds can tell; 0 where no watchdog looks
  /// (``StallOptions``).
  public var busyTime: Duration = .zero

  /// Nothing done.
  public init() {}
}

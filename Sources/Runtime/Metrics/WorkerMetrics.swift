/// Counters of a worker since its runtime was started. They never decrease. Each is exact on its own, but they are not
/// a consistent snapshot.
public struct WorkerMetrics: Hashable, Sendable {
  /// The number of jobs run: a task is one job each time that it is resumed.
  public var jobs = 0
  /// The number of jobs taken from another worker's queue. They are included in `jobs` of the worker that runs them.
  public var stolenJobs = 0
  /// The number of times that the worker had nothing to do and went to sleep, or returned its thread.
  public var parks = 0
  /// The number of times that another thread woke the worker with a system call, or requested a thread.
  public var wakes = 0
  /// How long the worker has run jobs, sampled every few milliseconds; 0 if no watchdog runs (``StallOptions``).
  public var busyTime: Duration = .zero

  /// Creates counters of zero.
  public init() {}
}

/// What a worker is doing at one moment.
public struct WorkerActivity: Hashable, Sendable {
  /// The worker's name, such as `worker 0`.
  public var name: String
  /// Whether the worker is running a job.
  public var isBusy: Bool
  /// The activity that the current job's task reports, such as `GET /users/:id`.
  public var activity: String?
  /// The name of that task, if it was started with one on a runtime.
  public var task: String?
  /// How long the worker has been in the current job, sampled every few milliseconds. It is 0 below the sampling
  /// interval, and if no watchdog runs (``StallOptions``).
  public var jobAge: Duration = .zero
  /// How long the worker has run jobs so far, as in ``WorkerMetrics/busyTime``, but for this worker alone even if the
  /// threads belong to a pool.
  public var busyTime: Duration = .zero

  /// Creates the activity of a worker, idle unless stated otherwise.
  public init(name: String, isBusy: Bool = false, activity: String? = nil, task: String? = nil) {
    self.name = name
    self.isBusy = isBusy
    self.activity = activity
    self.task = task
  }
}

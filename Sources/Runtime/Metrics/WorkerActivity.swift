/// What a worker is doing at one moment.
public struct WorkerActivity: Hashable, Sendable {
  /// The worker: `worker 0`.
  public var name: String
  /// Whether it runs jobs just now.
  public var isBusy: Bool
  /// What the task whose job it runs says that it does: `GET /users/:id`.
  public var activity: String?
  /// The name of that task, if it was started with one on a runtime.
  public var task: String?
  /// For how long it has been in that job, as far as looks every few milliseconds can tell; 0 where that is less, and where
  /// no watchdog looks (``StallOptions``).
  public var jobAge: Duration = .zero
  /// For how long it has run jobs so far; as ``WorkerMetrics/busyTime``, but of this worker also where the threads are a
  /// pool's.
  public var busyTime: Duration = .zero

  /// A worker that does nothing, or nothing that is known.
  public init(name: String, isBusy: Bool = false, activity: String? = nil, task: String? = nil) {
    self.name = name
    self.isBusy = isBusy
    self.activity = activity
    self.task = task
  }
}

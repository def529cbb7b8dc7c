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

  /// A worker that does nothing, or nothing that is known.
  public init(name: String, isBusy: Bool = false, activity: String? = nil, task: String? = nil) {
    self.name = name
    self.isBusy = isBusy
    self.activity = activity
    self.task = task
  }
}

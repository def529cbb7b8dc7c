import RuntimePrimitives

/// A job that has kept a worker for too long. Jobs queued behind it waited as long, unless another worker took them.
public struct Stall: Sendable {
  /// The runtime's name.
  public let runtime: String
  /// The worker's name, such as `worker 0` or `relief worker 1`. If a runtime borrows its threads, the number
  /// identifies one of those in use at the same time.
  public let worker: String
  /// How long the worker has been in the job, with a resolution of about two milliseconds.
  public let duration: Duration
  /// Whether the job has ended. A stall is reported after a second at the latest, even if the job has not ended.
  public let isOver: Bool
  /// The activity that the job's task reports, if any. A task that handles a request reports the method and the route,
  /// such as `GET /stall`.
  public let activity: String?
  /// The name of the job's task, if it was started with one on a runtime (``TaskOptions/name``). Names of other tasks,
  /// such as child tasks, are unknown: Swift reveals a task's name only to the task itself.
  public let task: String?

  package init(
    runtime: String, worker: String, duration: Duration, isOver: Bool, activity: String? = nil, task: String? = nil
  ) {
    self.runtime = runtime
    self.worker = worker
    self.duration = duration
    self.isOver = isOver
    self.activity = activity
    self.task = task
  }
}

extension Stall: CustomStringConvertible {
  /// A description such as `runtime custom, worker 0: a job took 1003 ms (task "import", GET /stall)`.
  public var description: String {
    let milliseconds = duration.nanoseconds / 1_000_000
    let whose = [task.map { "task \"\($0)\"" }, activity].compactMap(\.self).joined(separator: ", ")
    return "runtime \(runtime), \(worker): a job "
      + (isOver ? "took \(milliseconds) ms" : "has been running for \(milliseconds) ms")
      + (whose.isEmpty ? "" : " (\(whose))")
  }
}

import RuntimePrimitives

/// A job that has kept a worker for too long: every job that waited behind it waited as long, unless another worker took
/// it over.
public struct Stall: Sendable {
  /// The runtime's name.
  public let runtime: String
  /// The worker: `worker 0`, `relief worker 1`. Where a runtime borrows its threads, the number says which of those that
  /// it uses at once.
  public let worker: String
  /// For how long the worker has been in the job, to about two milliseconds.
  public let duration: Duration
  /// Whether the job has given the worker back. One that has not after a second is reported all the same.
  public let isOver: Bool
  /// What the job's task says that it does, if it says anything. A task that answers a request names the method and the
  /// route: `GET /stall`.
  public let activity: String?
  /// The name of the job's task, if it was started with one on a runtime: ``TaskOptions/name``. The names of other tasks,
  /// child tasks among them, are not known: Swift tells them to the tasks alone.
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
  /// For a person to read: `runtime custom, worker 0: a job took 1003 ms (task "import", GET /stall)`.
  public var description: String {
    let milliseconds = duration.nanoseconds / 1_000_000
    let whose = [task.map { "task \"\($0)\"" }, activity].compactMap(\.self).joined(separator: ", ")
    return "runtime \(runtime), \(worker): a job "
      + (isOver ? "took \(milliseconds) ms" : "has taken \(milliseconds) ms and goes on")
      + (whose.isEmpty ? "" : " (\(whose))")
  }
}

public import Runtime

/// Keeps a record of every task that is started on a runtime of this process, for as long as it lives.
///
/// ```swift
/// let watch = TaskWatch()
/// ...
/// for task in watch.tasks { print(task.id, task.name ?? "", task.state, task.age) }
/// ```
///
/// A task counts if it was started by `Executor.execute` or `Executor.spawn` of a runtime on ``RuntimeServices`` while there
/// was a watch; child tasks and `Task { }` are not known. A server's tasks are. While there is no watch, tasks cost nothing
/// more than usual. With one, each time that a task goes on costs about a microsecond.
///
/// On Swift's pool without a number of workers jobs do not show: a task's state there is what it has last begun to wait for.
public final class TaskWatch: Sendable {
  /// Begins to watch.
  public init() { TaskTable.addWatch(1) }

  deinit {
    TaskTable.addWatch(-1)
  }

  /// Tells of a job that is about to be queued, before another thread can take it. The executor of a backend calls this, so
  /// that tasks can be seen to wait for a thread.
  @inlinable
  public static func willQueue(_ job: UnownedJob) {
    // A job is one pointer, to its task if it has one.
    if TaskTable.isWatched { TaskTable.wake(unsafeBitCast(job, to: UInt.self)) }
  }

  /// All tasks that are known and have not ended, in the order in which they were started.
  public var tasks: [TaskSnapshot] { TaskTable.snapshots }
}

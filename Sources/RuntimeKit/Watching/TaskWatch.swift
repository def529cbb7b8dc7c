public import Runtime

/// A watch that makes every runtime of this process keep records of its tasks, for as long as the watch exists.
///
/// ```swift
/// let watch = TaskWatch()
/// ...
/// for task in watch.tasks { print(task.id, task.name ?? "", task.state, task.age) }
/// ```
///
/// A task is recorded if it was started by `Executor.execute` or `Executor.spawn` of a runtime on ``RuntimeServices``
/// during a watch. Child tasks and `Task { }` are not recorded. A server's tasks are. Without a watch, tasks have no
/// extra cost. With one, each job of a task costs about a microsecond.
///
/// On Swift's pool without a number of workers, jobs are not visible: a task's state there is the last wait that it
/// began.
public final class TaskWatch: Sendable {
  /// Starts watching.
  public init() { TaskTable.addWatch(1) }

  deinit {
    TaskTable.addWatch(-1)
  }

  /// Announces a job that is about to be queued, before another thread can take it. The executor of a backend calls
  /// this, so that snapshots show tasks that wait for a thread.
  @inlinable
  public static func willQueue(_ job: UnownedJob) {
    // A job is a single pointer, to its task if it has one.
    if TaskTable.isWatched { TaskTable.recordWake(of: unsafeBitCast(job, to: UInt.self)) }
  }

  /// Snapshots of all recorded tasks that have not ended, in the order in which they were started.
  public var tasks: [TaskSnapshot] { TaskTable.snapshots }
}

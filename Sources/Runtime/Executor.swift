/// Starts tasks: what hyper calls `rt::Executor`.
///
/// Code that starts tasks and needs nothing else of its runtime takes an `Executor`. A type that is a `TaskExecutor`
/// (SE-0417) becomes one with an empty extension:
///
/// ```swift
/// extension EventLoop: Executor {}
/// ```
///
/// For a `TaskExecutor` of another library, and for Swift's own pool, use ``ExecutorPreference``.
public protocol Executor: Sendable {
  /// The executor that runs the jobs of tasks started here; `nil` is Swift's global pool.
  var taskExecutor: (any TaskExecutor)? { get }

  /// Starts `operation` as a task on this executor and returns at once, without a handle. The task behaves as one
  /// started with ``spawn(_:_:)``.
  func execute(_ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async -> Void)

  /// Starts `operation` as a task on this executor and returns its handle.
  ///
  /// The task and its child tasks run here after every `await`, except on an actor with a custom executor (SE-0417).
  /// The handle's `value` waits for the operation's result, and `cancel()` cancels the task. Dropping the handle does
  /// neither.
  @discardableResult
  func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error>

  /// Lets other ready tasks run before the calling task continues, like `Task.yield()`.
  ///
  /// The task queues behind those that wait for a thread of its executor; if there are none, it continues at once. The
  /// function is meant for tasks of this executor, for which it may cost less than `Task.yield()`. Any other task
  /// yields to the tasks of its own executor. A cancelled task yields too.
  func yield() async
}

extension Executor {
  /// Starts `operation` as a task on this executor and returns at once, without a handle.
  ///
  /// - Parameters:
  ///   - name: the task's name, as in ``TaskOptions/name``.
  ///   - priority: the task's priority, as in ``TaskOptions/priority``.
  ///   - fileID: the file of the call, for ``TaskOptions/location``.
  ///   - line: the line of the call in that file.
  @inlinable
  public func execute(
    name: String? = nil, priority: TaskPriority? = nil, fileID: StaticString = #fileID, line: UInt32 = #line,
    _ operation: nonisolated(nonsending) sending @escaping () async -> Void
  ) {
    execute(
      TaskOptions(name: name, priority: priority, location: CallSite(fileID: fileID, line: line)), operation)
  }

  /// Starts `operation` as a task on this executor and returns its handle.
  ///
  /// - Parameters:
  ///   - name: the task's name, as in ``TaskOptions/name``.
  ///   - priority: the task's priority, as in ``TaskOptions/priority``.
  ///   - fileID: the file of the call, for ``TaskOptions/location``.
  ///   - line: the line of the call in that file.
  @discardableResult
  @inlinable
  public func spawn<Success: Sendable>(
    name: String? = nil, priority: TaskPriority? = nil, fileID: StaticString = #fileID, line: UInt32 = #line,
    _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    spawn(TaskOptions(name: name, priority: priority, location: CallSite(fileID: fileID, line: line)), operation)
  }

  public func execute(_ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async -> Void) {
    spawn(options, operation)
  }

  @inlinable
  public func yield() async {
    await Task.yieldByItsLoop()
  }
}

extension Executor where Self: TaskExecutor {
  public var taskExecutor: (any TaskExecutor)? { self }

  @discardableResult
  public func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    ExecutorPreference(self).spawn(options, operation)
  }
}

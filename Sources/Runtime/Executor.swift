/// Runs asynchronous work: what hyper calls `rt::Executor`.
///
/// Code that has to start tasks, and needs nothing else of the runtime it is on, asks for an `Executor`. A type that is a
/// `TaskExecutor` (SE-0417) becomes one without a line of code:
///
/// ```swift
/// extension EventLoop: Executor {}
/// ```
///
/// For a `TaskExecutor` of another library, and for Swift's own pool, there is ``ExecutorPreference``.
public protocol Executor: Sendable {
  /// Where Swift runs the jobs of a task that is started here; `nil` is Swift's own global pool.
  var taskExecutor: (any TaskExecutor)? { get }

  /// Starts `operation` as a task on this executor and returns at once. What ``spawn(_:_:)`` says of the task holds, but
  /// there is no handle to it.
  func execute(_ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async -> Void)

  /// Starts `operation` as a task on this executor and returns the handle to it: Swift's own `Task`.
  ///
  /// The task and its child tasks run here after every `await`, except where an actor with an executor of its own says
  /// otherwise (SE-0417). `value` waits for what the operation returns or throws; `cancel()` cancels it. Dropping the
  /// handle does neither.
  @discardableResult
  func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error>

  /// Lets other tasks that are ready run before the calling task goes on, as `Task.yield()` does.
  ///
  /// The task goes on behind those that wait for a thread of its executor already; if there are none, at once. It is meant
  /// for tasks of this executor, for which it may cost less than `Task.yield()`; other tasks yield to those of their own.
  /// A task that is cancelled yields like any other.
  func yield() async
}

extension Executor {
  /// Starts `operation` as a task on this executor and returns at once.
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

  /// Starts `operation` as a task on this executor and returns the handle to it.
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

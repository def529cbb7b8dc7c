/// An ``Executor`` that starts tasks with a preference for a `TaskExecutor` (SE-0417), such as one of another library.
///
/// ```swift
/// let executor = ExecutorPreference(loop)
/// ```
public struct ExecutorPreference: Executor {
  public let taskExecutor: (any TaskExecutor)?

  /// Creates an executor.
  ///
  /// - Parameter taskExecutor: the executor that tasks prefer; `nil` is Swift's global pool.
  public init(_ taskExecutor: (any TaskExecutor)?) {
    self.taskExecutor = taskExecutor
  }

  @discardableResult
  public func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    if options.inheritsTaskLocals {
      return Task(
        name: options.name, executorPreference: taskExecutor, priority: options.ownPriority, operation: operation)
    }
    return Task.detached(
      name: options.name, executorPreference: taskExecutor, priority: options.priority, operation: operation)
  }
}

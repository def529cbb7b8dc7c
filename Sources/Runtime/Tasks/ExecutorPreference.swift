/// Starts tasks that prefer a `TaskExecutor` (SE-0417), and does no more: it makes an ``Executor`` of one that has none of
/// ours.
///
/// ```swift
/// let executor = ExecutorPreference(loop)
/// ```
public struct ExecutorPreference: Executor {
  public let taskExecutor: (any TaskExecutor)?

  /// - Parameter taskExecutor: what the tasks prefer; `nil` is Swift's own global pool.
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

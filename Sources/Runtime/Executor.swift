/// Runs asynchronous work: what hyper calls `rt::Executor`.
///
/// Code that has to start tasks, and cares for nothing else about the runtime it is on, asks for an `Executor`. Any
/// `TaskExecutor` (SE-0417) somebody already has becomes one in a line:
///
/// ```swift
/// struct Mine: Executor { let taskExecutor: (any TaskExecutor)? }
/// ```
public protocol Executor: Sendable {
  /// Where Swift runs the jobs of a task that is started here; `nil` is Swift's own global pool.
  var taskExecutor: (any TaskExecutor)? { get }

  /// Starts `operation` as a task of its own on this executor and returns at once.
  ///
  /// The task and its child tasks run here after every `await`, save where an actor with an executor of its own says
  /// otherwise (SE-0417). Nobody holds a handle to it; use ``spawn(_:)`` to await or cancel what was started.
  func execute(_ operation: sending @escaping () async -> Void)

  /// Starts `operation` on this executor and returns the handle to it: Swift's own `Task`.
  ///
  /// `value` waits for what the operation returns or throws; `cancel()` cancels it. Dropping the handle does neither.
  @discardableResult
  func spawn<Success: Sendable>(
    _ operation: sending @escaping () async throws -> Success
  ) -> Task<Success, any Error>
}

extension Executor {
  public func execute(_ operation: sending @escaping () async -> Void) {
    spawn(operation)
  }

  @discardableResult
  public func spawn<Success: Sendable>(
    _ operation: sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    Task.detached(executorPreference: taskExecutor, operation: operation)
  }
}

extension AsyncRuntime {
  /// Runs `operation` as a task of this runtime and blocks the calling thread until it is done: what tokio and smol
  /// call `block_on`. Not to be called from a task, whose thread would be missing elsewhere.
  ///
  /// If the main thread is blocked, it runs the main actor's jobs meanwhile.
  ///
  /// - Returns: what `operation` returns, or throws what it throws. On the main thread it throws `IOError` if there is no
  ///   descriptor left to wait with.
  public func blockOn<Success: Sendable>(_ operation: sending @escaping () async throws -> Success) throws -> Success {
    let thread = try BlockedThread.current()
    let task = spawn(operation)
    return try thread.run { await task.result }.get()
  }

  /// Runs `main` on this runtime from synchronous code, blocking the calling thread until it is done, and then shuts
  /// the runtime down: the whole life of a program in one call. Not to be called from a task.
  ///
  /// If the main thread is blocked, it runs the main actor's jobs meanwhile. In a `main` that is `async` it is another
  /// thread, after the first `await`, that runs them: while that one is blocked, none of them runs.
  ///
  /// - Parameters:
  ///   - grace: how long tasks and blocking work have, once `main` is done, before they are cancelled and left.
  ///   - main: what the program does.
  /// - Returns: what `main` returns, or throws what it throws and what ``blockOn(_:)`` throws.
  public func run<Success: Sendable>(
    grace: Duration = .seconds(5), _ main: @escaping @Sendable (Self) async throws -> Success
  ) throws -> Success {
    let result = Result { try blockOn { try await main(self) } }
    // The runtime is shut down in any case, if need be without the main actor.
    let thread = (try? BlockedThread.current()) ?? BlockedThread(mainQueue: nil)
    thread.run { await shutdown(grace: grace) }
    return try result.get()
  }
}

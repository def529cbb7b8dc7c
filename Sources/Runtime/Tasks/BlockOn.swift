extension AsyncRuntime {
  /// Runs `operation` as a task of this runtime and blocks the calling thread until it has ended: what tokio and smol
  /// call `block_on`. Do not call it from a task, which would block a thread of the executor.
  ///
  /// A blocked main thread runs the main actor's jobs meanwhile.
  ///
  /// - Returns: the result of `operation`.
  /// - Throws: the error of `operation`. On the main thread also `IOError`, if there is no descriptor left to wait
  ///   with.
  public func blockOn<Success: Sendable>(_ operation: sending @escaping () async throws -> Success) throws -> Success {
    let thread = try BlockedThread.current()
    let task = spawn(operation)
    return try thread.run { await task.result }.get()
  }

  /// Runs `main` on this runtime, blocks the calling thread until it has ended, and shuts the runtime down: the whole
  /// life of a program in one call. Do not call it from a task.
  ///
  /// A blocked main thread runs the main actor's jobs meanwhile. In an `async` `main`, after the first `await`, another
  /// thread runs them; if that one is blocked, none of them runs.
  ///
  /// - Parameters:
  ///   - grace: how long tasks and blocking work may continue after `main` has ended, as in
  ///     ``AsyncRuntime/shutdown(grace:)``.
  ///   - main: the program.
  /// - Returns: the result of `main`.
  /// - Throws: the error of `main` or of ``blockOn(_:)``.
  public func run<Success: Sendable>(
    grace: Duration = .seconds(5), _ main: @escaping @Sendable (Self) async throws -> Success
  ) throws -> Success {
    let result = Result { try blockOn { try await main(self) } }
    // The runtime is shut down in any case, if necessary without running the main actor's jobs.
    let thread = (try? BlockedThread.current()) ?? BlockedThread(mainQueue: nil)
    thread.run { await shutdown(grace: grace) }
    return try result.get()
  }
}

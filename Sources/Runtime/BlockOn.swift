extension AsyncRuntime {
  /// Runs `operation` as a task of this runtime and blocks the calling thread until it is done: what tokio and smol
  /// call `block_on`. Not to be called from a task, whose thread would be missing elsewhere.
  ///
  /// - Returns: what `operation` returns, or throws what it throws.
  public func blockOn<Success: Sendable>(_ operation: sending @escaping () async throws -> Success) throws -> Success {
    let outcome = Monitor<Result<Success, any Error>?>(nil)
    let task = spawn(operation)
    execute {
      let result = await task.result
      outcome.withLock { $0 = result }
      outcome.notifyAll()
    }
    return try outcome.wait { outcome, _ in outcome }.get()
  }

  /// Runs `main` on this runtime from synchronous code, blocking the calling thread until it is done, and then shuts
  /// the runtime down: the whole life of a program in one call.
  ///
  /// - Returns: what `main` returns, or throws what it throws.
  public func run<Success: Sendable>(_ main: @escaping @Sendable (Self) async throws -> Success) throws -> Success {
    let result = Result { try blockOn { try await main(self) } }
    let isDown = Monitor(false)
    Task.detached {
      await shutdown()
      isDown.withLock { $0 = true }
      isDown.notifyAll()
    }
    isDown.wait { isDown, _ in isDown ? () : nil }
    return try result.get()
  }
}

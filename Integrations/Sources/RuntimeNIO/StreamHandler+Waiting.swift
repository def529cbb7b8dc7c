import Runtime
import RuntimePrimitives

extension StreamHandler {
  /// Waits until `direction` is ready.
  func wait(for direction: Direction) async throws(IOError) {
    let ticket = state.withLock { $0.nextTicket() }
    let reason = await withTaskCancellationHandler {
      await suspend(for: direction, ticket, watchesForCancellation: true)
    } onCancel: {
      // Only this wait: a wait that was rejected as busy must not end the other one.
      let waiter = state.withLock { state in
        state[direction]?.ticket == ticket ? exchange(&state[direction], with: nil) : nil
      }
      waiter?.continuation.resume(returning: .cancelled)
    }
    if let reason { throw IOError(direction.operation, reason) }
  }

  /// Waits until a read can proceed, ignoring the task's cancellation.
  func waitUntilReadableOrClosed() async throws(IOError) {
    if let reason = await suspend(for: .read, 0, watchesForCancellation: false) { throw IOError(.read, reason) }
  }

  private func suspend(
    for direction: Direction, _ ticket: Int, watchesForCancellation: Bool
  ) async -> IOError.Reason? {
    await withUnsafeContinuation { continuation in
      let result = state.withLock { state -> IOError.Reason?? in
        state.restartTurn()
        if state.isClosed { return .closed }
        if state.isWorthTrying(direction) { return .some(nil) }
        // Cancellation marks the task before it calls the handler, which takes the lock. So either the mark is seen
        // here, or the handler finds the waiter.
        if watchesForCancellation, Task.isCancelled { return .cancelled }
        guard state[direction] == nil else { return .busy }
        state[direction] = StreamState.Waiter(ticket: ticket, continuation: continuation)
        return nil
      }
      if let result { continuation.resume(returning: result) }
    }
  }

  /// Lets other tasks run, if this task has used up its turn.
  func yieldIfTurnIsOver() async {
    if state.withLock({ $0.restartTurnIfOver() }) { await Task.yield() }
  }
}

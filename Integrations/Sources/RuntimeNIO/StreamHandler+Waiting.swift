import Runtime
import RuntimePrimitives

extension StreamHandler {
  /// Waits until `direction` is worth trying.
  func wait(for direction: Direction) async throws(IOError) {
    let ticket = state.withLock { $0.nextTicket() }
    let reason = await withTaskCancellationHandler {
      await suspend(for: direction, ticket, watchesForCancellation: true)
    } onCancel: {
      // Only this wait: one that was turned away must not end the other's.
      let waiter = state.withLock { state in
        state[direction]?.ticket == ticket ? exchange(&state[direction], with: nil) : nil
      }
      waiter?.continuation.resume(returning: .cancelled)
    }
    if let reason { throw IOError(direction.operation, reason) }
  }

  /// Waits until a read is worth trying, and takes no notice of the task's cancellation.
  func waitUntilReadableOrClosed() async throws(IOError) {
    if let reason = await suspend(for: .read, 0, watchesForCancellation: false) { throw IOError(.read, reason) }
  }

  private func suspend(
    for direction: Direction, _ ticket: Int, watchesForCancellation: Bool
  ) async -> IOError.Reason? {
    await withUnsafeContinuation { continuation in
      let answer = state.withLock { state -> IOError.Reason?? in
        state.restartTurn()
        if state.isClosed { return .closed }
        if state.isWorthTrying(direction) { return .some(nil) }
        // A task that is cancelled says so before it calls the handler, which takes the lock: either it is seen here, or
        // the handler sees the wait.
        if watchesForCancellation, Task.isCancelled { return .cancelled }
        guard state[direction] == nil else { return .busy }
        state[direction] = StreamState.Waiter(ticket: ticket, continuation: continuation)
        return nil
      }
      if let answer { continuation.resume(returning: answer) }
    }
  }

  /// Lets others have their turn, if this task has had its own.
  func giveTurnIfOver() async {
    if state.withLock({ $0.endsTurn() }) { await Task.yield() }
  }
}

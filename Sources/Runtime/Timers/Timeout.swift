/// Runs `operation` and returns its result, but cancels it once `timeout` has passed on `clock`.
///
/// ```swift
/// let head = try await withTimeout(.seconds(5), on: runtime.clock) { try await readHead(from: stream) }
/// ```
///
/// It is equivalent to ``withDeadline(_:on:name:_:)`` with the deadline `timeout` from now.
///
/// - Parameters:
///   - timeout: how long the operation may take. If it is zero or less, the deadline has already passed.
///   - clock: the clock that measures time, such as a runtime's ``AsyncRuntime/clock``.
///   - name: the value of ``TimedOut/name``.
/// - Throws: ``TimedOut``, or the error of `operation`.
public nonisolated(nonsending) func withTimeout<C: Clock, Success>(
  _ timeout: C.Duration, on clock: C, name: String? = nil,
  _ operation: nonisolated(nonsending) () async throws -> Success
) async throws -> Success {
  try await withDeadline(clock.now.advanced(by: timeout), on: clock, name: name, operation)
}

/// Runs `operation` and returns its result, but cancels it once `clock` has reached `deadline`.
///
/// A cancelled operation is awaited, however long it takes to end. If it still returns a value, that value is returned,
/// so no result is lost. If it throws because it was cancelled, the call throws ``TimedOut``. Any other error is passed
/// on, including a ``TimedOut`` of a nested timeout.
///
/// If the deadline has already passed, the operation still begins, in a task that is cancelled from the start. So an
/// operation that can finish at once does.
///
/// *Isolation:* the operation runs in a child task, on the caller's actor or, if there is none, on the caller's task
/// executor. It sees the caller's task-local values. It need not be `@Sendable`, because the caller waits for it.
///
/// *Cancellation:* if the calling task is cancelled, the operation is cancelled and its own error is passed on. The
/// same happens if the clock cannot sleep, for example because its runtime has been shut down.
///
/// - Parameters:
///   - deadline: the time on `clock` at which the operation is cancelled.
///   - clock: the clock that measures time, such as a runtime's ``AsyncRuntime/clock``.
///   - name: the value of ``TimedOut/name``.
/// - Throws: ``TimedOut`` if the deadline has passed and the operation then throws `CancellationError` or an ``IOError``
///   whose reason is ``IOError/Reason/cancelled``; otherwise the error of `operation`.
public nonisolated(nonsending) func withDeadline<C: Clock, Success>(
  _ deadline: C.Instant, on clock: C, name: String? = nil,
  _ operation: nonisolated(nonsending) () async throws -> Success
) async throws -> Success {
  let isolation = #isolation
  // A function rather than a closure: the compiler assumes that a closure's parameter may be shared.
  func runRace(
    _ operation: nonisolated(nonsending) @escaping () async throws -> Success
  ) async -> (result: Transferred<Result<Success, any Error>>, isLate: Bool) {
    await race(TransferredOperation(run: operation), on: isolation, until: deadline, of: clock)
  }
  // No child task outlives `race`, so no reference to the operation does.
  let outcome = await withoutActuallyEscaping(operation, do: runRace)
  do {
    return try outcome.result.value.get()
  } catch let error where outcome.isLate && error.isCancellation {
    throw TimedOut(name: name)
  }
}

/// Runs `operation` in one child task and sleeps in another.
///
/// It is not isolated to an actor, so that an operation that keeps its actor busy is still cancelled in time.
///
/// - Returns: the operation's result, and whether the deadline had passed by then.
@concurrent
private func race<C: Clock, Success>(
  _ operation: TransferredOperation<Success>, on isolation: (any Actor)?, until deadline: C.Instant, of clock: C
) async -> (result: Transferred<Result<Success, any Error>>, isLate: Bool) {
  await withTaskGroup(of: RaceEvent<Success>.self) { group in
    var isLate = !Task.isCancelled && clock.now >= deadline
    // Cancelled first, so that the operation sees the cancellation from its start.
    if isLate { group.cancelAll() }
    group.addTask { .ended(await result(of: operation, on: isolation)) }
    if !isLate {
      group.addTask {
        do {
          try await clock.sleep(until: deadline, tolerance: nil)
        } catch {
          return .woke(isLate: false)
        }
        // A cancelled task has not timed out, whatever its clock reports.
        return .woke(isLate: !Task.isCancelled)
      }
    }
    var ending: Transferred<Result<Success, any Error>>?
    for await event in group {
      switch event {
      case .ended(let result): ending = result
      case .woke(let isOver): if ending == nil { isLate = isOver }
      }
      group.cancelAll()
    }
    // The operation's task always provides a result.
    return (ending ?? Transferred(.failure(CancellationError())), isLate)
  }
}

/// Returns the result of `operation`, run on the actor `isolation`.
private func result<Success>(
  of operation: TransferredOperation<Success>, on isolation: isolated (any Actor)?
) async -> Transferred<Result<Success, any Error>> {
  // Without a call that needs the actor, the compiler (6.3) omits the hop to it: it assumes that the operation makes
  // the hop, while the operation assumes that its caller has made it.
  isolation?.preconditionIsolated()
  do {
    return Transferred(.success(try await operation.run()))
  } catch {
    return Transferred(.failure(error))
  }
}

/// The result of one of the two child tasks.
private enum RaceEvent<Success>: Sendable {
  case ended(Transferred<Result<Success, any Error>>)
  case woke(isLate: Bool)
}

/// A value that a child task passes to its parent.
private struct Transferred<Value>: @unchecked Sendable {  // The child task has ended before its parent reads it.
  let value: Value

  init(_ value: Value) { self.value = value }
}

/// The caller's operation, passed to the child task that runs it on the caller's actor, while the caller waits.
private struct TransferredOperation<Success>: @unchecked Sendable {
  let run: nonisolated(nonsending) () async throws -> Success
}

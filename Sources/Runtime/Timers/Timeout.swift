/// Runs `operation` and returns what it returns, but cancels it once `timeout` has passed on `clock`.
///
/// ```swift
/// let head = try await withTimeout(.seconds(5), on: runtime.clock) { try await readHead(from: stream) }
/// ```
///
/// It is ``withDeadline(_:on:name:_:)`` with the time that is `timeout` from now, and all that is said there holds.
///
/// - Parameters:
///   - timeout: how long the operation may take. If it is zero or less, the deadline has passed already.
///   - clock: the clock that tells the time, such as a runtime's ``AsyncRuntime/clock``.
///   - name: what ``TimedOut/name`` is to be.
/// - Throws: ``TimedOut``, or the error of `operation`.
public nonisolated(nonsending) func withTimeout<C: Clock, Success>(
  _ timeout: C.Duration, on clock: C, name: String? = nil,
  _ operation: nonisolated(nonsending) () async throws -> Success
) async throws -> Success {
  try await withDeadline(clock.now.advanced(by: timeout), on: clock, name: name, operation)
}

/// Runs `operation` and returns what it returns, but cancels it once `clock` has reached `deadline`.
///
/// A cancelled operation is waited for, however long it takes to end. If it returns a value nevertheless, that value is
/// returned: no result is ever lost. If it throws because it was cancelled, ``TimedOut`` is thrown. If it throws any other
/// error, that error is passed on, and so is a ``TimedOut`` of a timeout inside it.
///
/// If the deadline has passed already, the operation begins nevertheless, in a task that is cancelled from the start. So
/// an operation that can finish at once does.
///
/// *Isolation:* the operation runs in a child task, on the caller's actor or, if there is none, on the caller's task
/// executor. It sees the caller's task-local values. It need not be `@Sendable`, as the caller waits for it.
///
/// *Cancellation:* if the calling task is cancelled, the operation is cancelled, and its own error is passed on. The same
/// is done if the clock cannot sleep, as a runtime's cannot once the runtime has been shut down.
///
/// - Parameters:
///   - deadline: the time on `clock` at which the operation is cancelled.
///   - clock: the clock that tells the time, such as a runtime's ``AsyncRuntime/clock``.
///   - name: what ``TimedOut/name`` is to be.
/// - Throws: ``TimedOut`` if the deadline has passed and the operation then throws `CancellationError` or an ``IOError``
///   whose reason is ``IOError/Reason/cancelled``; otherwise the error of `operation`.
public nonisolated(nonsending) func withDeadline<C: Clock, Success>(
  _ deadline: C.Instant, on clock: C, name: String? = nil,
  _ operation: nonisolated(nonsending) () async throws -> Success
) async throws -> Success {
  let isolation = #isolation
  // A function and not a closure: the compiler takes a closure's parameter for one that the closure may share.
  func begin(
    _ operation: nonisolated(nonsending) @escaping () async throws -> Success
  ) async -> (result: Lent<Result<Success, any Error>>, isLate: Bool) {
    await race(LentOperation(run: operation), on: isolation, until: deadline, of: clock)
  }
  // No child task outlives `race`, and so no reference to the operation does.
  let outcome = await withoutActuallyEscaping(operation, do: begin)
  do {
    return try outcome.result.value.get()
  } catch let error where outcome.isLate && error.isCancellation {
    throw TimedOut(name: name)
  }
}

/// Runs `operation` in one child task and sleeps in another.
///
/// It is on no actor, so that an operation which keeps its actor busy is cancelled in time.
///
/// - Returns: how the operation ended, and whether its time was over by then.
@concurrent
private func race<C: Clock, Success>(
  _ operation: LentOperation<Success>, on isolation: (any Actor)?, until deadline: C.Instant, of clock: C
) async -> (result: Lent<Result<Success, any Error>>, isLate: Bool) {
  await withTaskGroup(of: RaceEvent<Success>.self) { group in
    var isLate = !Task.isCancelled && clock.now >= deadline
    // First, so that the operation sees it from its beginning.
    if isLate { group.cancelAll() }
    group.addTask { .ended(await result(of: operation, on: isolation)) }
    if !isLate {
      group.addTask {
        do {
          try await clock.sleep(until: deadline, tolerance: nil)
        } catch {
          return .woke(isLate: false)
        }
        // A task that is cancelled is none whose time is over, whatever its clock makes of that.
        return .woke(isLate: !Task.isCancelled)
      }
    }
    var ending: Lent<Result<Success, any Error>>?
    for await event in group {
      switch event {
      case .ended(let result): ending = result
      case .woke(let isOver): if ending == nil { isLate = isOver }
      }
      group.cancelAll()
    }
    // The operation's task always gives one.
    return (ending ?? Lent(.failure(CancellationError())), isLate)
  }
}

/// How `operation` ends when it is run on the actor `isolation`.
private func result<Success>(
  of operation: LentOperation<Success>, on isolation: isolated (any Actor)?
) async -> Lent<Result<Success, any Error>> {
  // Without a call that needs the actor, the compiler (6.3) leaves out the hop to it: it takes for granted that the operation
  // makes it, which takes for granted that it has been made.
  isolation?.preconditionIsolated()
  do {
    return Lent(.success(try await operation.run()))
  } catch {
    return Lent(.failure(error))
  }
}

/// What one of the two child tasks has come to.
private enum RaceEvent<Success>: Sendable {
  case ended(Lent<Result<Success, any Error>>)
  case woke(isLate: Bool)
}

/// A value that a child task hands to the caller.
private struct Lent<Value>: @unchecked Sendable {  // The child task has ended when the caller, which waits, gets it.
  let value: Value

  init(_ value: Value) { self.value = value }
}

/// The caller's operation, for the child task that runs it.
private struct LentOperation<Success>: @unchecked Sendable {  // It runs on the caller's actor, and the caller waits.
  let run: nonisolated(nonsending) () async throws -> Success
}

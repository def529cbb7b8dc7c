import RuntimePrimitives

/// A record of tasks' calls and their outcomes, which ``checkLinearizability(from:_:)`` compares with a sequential
/// order.
///
/// ```swift
/// enum Command { case get, put(Int) }
/// let history = History<Command, Int?>(runtime)
/// ...
/// try await history.record(.put(1)) {
///   try await client.put(1)
///   return nil
/// }
/// ...
/// try history.checkLinearizability(from: 0) { register, command in
///   switch command {
///   case .get: return register
///   case .put(let value):
///     register = value
///     return nil
///   }
/// }
/// ```
///
/// Record independent parts, such as the keys of a dictionary, in a history each.
public final class History<Operation: Sendable, Outcome: Equatable & Sendable>: Sendable {
  /// One call of an operation.
  struct Call: Sendable {
    let operation: Operation
    /// When the call began, in nanoseconds of simulated time, and the number of calls and returns before it.
    let time: Int64
    let position: Int
    /// The outcome and when it came; `nil` while the call has not returned, and always if it threw.
    var end: End?
  }

  struct End: Sendable {
    let outcome: Outcome
    let time: Int64
    let position: Int
  }

  private struct Record {
    var calls: [Call] = []
    /// The number of calls and returns so far.
    var eventCount = 0
  }

  private let simulation: Simulation
  private let log = Lock(Record())

  /// Creates an empty history for the simulation of `runtime`.
  public init(_ runtime: SimulatedRuntime) { simulation = runtime.simulation }

  /// Calls `body`, which performs `operation`, and records when the call began, when it returned, and its outcome. Both
  /// events are written to the run's trace as well.
  ///
  /// If `body` throws, the operation may or may not have happened, or may happen later, as when a connection ends
  /// before the answer comes. The check allows for all of these. An error after which the operation certainly did not
  /// happen belongs in the outcome.
  ///
  /// - Parameters:
  ///   - operation: the operation, as ``checkLinearizability(from:_:)`` passes it to its model.
  ///   - body: performs the operation and returns its outcome.
  ///
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws.
  public func record<Failure: Error>(
    _ operation: Operation, _ body: nonisolated(nonsending) () async throws(Failure) -> Outcome
  ) async throws(Failure) -> Outcome {
    let number = beginCall(operation)
    let outcome = try await body()
    endCall(number, outcome)
    return outcome
  }

  private func beginCall(_ operation: Operation) -> Int {
    simulation.assertCurrent()
    let number = log.withLock { log in
      log.calls.append(Call(operation: operation, time: simulation.now, position: log.eventCount))
      log.eventCount += 1
      return log.calls.count
    }
    simulation.journal.record(.note("call \(number): \(operation)", on: nil))
    return number
  }

  private func endCall(_ number: Int, _ outcome: Outcome) {
    simulation.assertCurrent()
    log.withLock { log in
      log.calls[number - 1].end = End(outcome: outcome, time: simulation.now, position: log.eventCount)
      log.eventCount += 1
    }
    simulation.journal.record(.note("call \(number) returns \(outcome)", on: nil))
  }

  /// Checks that some sequential order of the operations explains their outcomes, starting from the state `initial`
  /// (Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects", 1990).
  ///
  /// In such an order, no operation comes before one that had returned when it was called. An operation that has not
  /// returned may have happened at any time since its call, or not at all.
  ///
  /// The search is that of Wing and Gong ("Testing and verifying concurrent objects", 1993), with Lowe's cache of
  /// failed attempts ("Testing for linearizability", 2017). Its time can grow exponentially with the number of
  /// concurrent operations and of those that never return; it grows little with the length of the history.
  ///
  /// - Parameters:
  ///   - initial: the first state. Keep it small, because the search keeps many copies.
  ///   - apply: applies an operation to a state correctly, and returns its outcome.
  /// - Throws: ``NotLinearizable``, if there is no such order.
  public func checkLinearizability<State: Hashable>(
    from initial: State, _ apply: (inout State, Operation) -> Outcome
  ) throws(NotLinearizable) {
    var search = LinearizabilitySearch(calls: log.withLock(\.calls), initial: initial)
    try search.run(apply)
  }
}

/// A history whose outcomes no sequential order of its operations explains.
public struct NotLinearizable: Error, Hashable, Sendable, CustomStringConvertible {
  /// The longest sequence of operations that could be ordered, as text.
  public let ordered: [String]
  /// The state after them.
  public let state: String
  /// The operations that could come next, and why none of them can.
  public let unexplained: [String]

  /// Several lines. Of the operations that could be ordered, only the last ten are shown.
  public var description: String {
    var lines = ["not linearizable: no order of the operations explains their outcomes"]
    let shown = 10
    lines.append(
      ordered.count > shown
        ? "These could be ordered, after \(ordered.count - shown) others:" : "These could be ordered:")
    lines += ordered.suffix(shown).map { "  \($0)" }
    lines.append("After that there is \(state), and none of these can be next:")
    lines += unexplained.map { "  \($0)" }
    return lines.joined(separator: "\n")
  }
}

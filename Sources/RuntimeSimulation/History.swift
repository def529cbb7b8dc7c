import RuntimePrimitives

/// The calls that tasks have made, and what came of each, for a check of whether one thing at a time could have done
/// that: ``checkLinearizability(from:_:)``.
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
/// What is independent, as the keys of a dictionary are, is best recorded in histories of its own.
public final class History<Operation: Sendable, Outcome: Equatable & Sendable>: Sendable {
  /// A call of an operation.
  struct Call: Sendable {
    let operation: Operation
    /// When it was made, in nanoseconds of the simulation, and how many calls and returns there had been before.
    let time: Int64
    let position: Int
    /// What came of it and when; `nil` while it has not returned, and for ever if it threw.
    var end: End?
  }

  struct End: Sendable {
    let outcome: Outcome
    let time: Int64
    let position: Int
  }

  private struct Record {
    var calls: [Call] = []
    /// How many calls and returns there have been.
    var eventCount = 0
  }

  private let simulation: Simulation
  private let log = Lock(Record())

  /// A history of what is done in the simulation of `runtime`.
  public init(_ runtime: SimulatedRuntime) { simulation = runtime.simulation }

  /// Calls `body`, which does `operation`, and records when it was called and when it returned what. Both are written
  /// into the run's trace as well.
  ///
  /// Where `body` throws, it is not known whether the operation was done, or will be yet, as when a connection ends
  /// before the answer comes: the check allows for both. An error that says for certain that nothing was done belongs
  /// into the outcome.
  ///
  /// - Returns: what `body` returns.
  /// - Throws: what `body` throws.
  public func record<Failure: Error>(
    _ operation: Operation, _ body: nonisolated(nonsending) () async throws(Failure) -> Outcome
  ) async throws(Failure) -> Outcome {
    let number = begin(operation)
    let outcome = try await body()
    end(number, outcome)
    return outcome
  }

  private func begin(_ operation: Operation) -> Int {
    simulation.assertCurrent()
    let number = log.withLock { log in
      log.calls.append(Call(operation: operation, time: simulation.now, position: log.eventCount))
      log.eventCount += 1
      return log.calls.count
    }
    simulation.journal.record(.note("call \(number): \(operation)", on: nil))
    return number
  }

  private func end(_ number: Int, _ outcome: Outcome) {
    simulation.assertCurrent()
    log.withLock { log in
      log.calls[number - 1].end = End(outcome: outcome, time: simulation.now, position: log.eventCount)
      log.eventCount += 1
    }
    simulation.journal.record(.note("call \(number) returns \(outcome)", on: nil))
  }

  /// Checks that there is an order of all operations in which one at a time could have been done to a thing that starts
  /// as `initial`, with the outcomes that there were, and in which none comes before one that had returned when it was
  /// called (Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects", 1990). An operation
  /// that has not returned may have been done at any time since its call, or not at all.
  ///
  /// The search is Wing and Gong's ("Testing and verifying concurrent objects", 1993), with Lowe's memory of what has
  /// been tried in vain ("Testing for linearizability", 2017). Its time can grow exponentially with the number of
  /// operations that go on at once, and with that of those that never return; it grows little with the length of the
  /// history.
  ///
  /// - Parameters:
  ///   - initial: how the thing starts. It is as small as can be, for many copies are kept.
  ///   - apply: does an operation to the thing, as it should be done, and returns its outcome.
  /// - Throws: ``NotLinearizable``, if there is no such order.
  public func checkLinearizability<State: Hashable>(
    from initial: State, _ apply: (inout State, Operation) -> Outcome
  ) throws(NotLinearizable) {
    var search = LinearizabilitySearch(calls: log.withLock(\.calls), initial: initial)
    try search.run(apply)
  }
}

/// Operations that cannot have been done one at a time: there is no order of them that explains their outcomes.
public struct NotLinearizable: Error, Hashable, Sendable, CustomStringConvertible {
  /// The most operations that could be ordered, in that order, as text.
  public let ordered: [String]
  /// What the thing was like after them.
  public let state: String
  /// The operations of which one had to come next, and why it could not.
  public let unexplained: [String]

  /// Several lines, for people. Of what could be ordered, the last few.
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

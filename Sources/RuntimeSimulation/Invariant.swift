import Runtime

/// A condition that has to hold until a simulation's body ends.
struct Invariant: Sendable {
  let name: String
  let moments: InvariantMoments
  let holds: @Sendable () -> Bool
}

/// When a simulation checks an invariant.
public enum InvariantMoments: Hashable, Sendable {
  /// After each job, which is everything that a task does between two suspensions.
  case everyStep
  /// Whenever nothing is ready to run, before time advances.
  case quietMoments
}

extension SimulatedRuntime {
  /// Makes the run fail (``SimulationFailure/Cause/violation(_:)``) as soon as `holds` returns false. The invariant is
  /// checked until the body has ended.
  ///
  /// ```swift
  /// let accounts = Accounts()
  /// runtime.invariant("no money is made or lost") { accounts.sum == 100 }
  /// ```
  ///
  /// - Parameters:
  ///   - name: a description of the invariant, for the failure.
  ///   - moments: when to check it.
  ///   - holds: returns whether the invariant holds. It runs on the simulation's thread, in no task, so it reads only
  ///     what needs no waiting: state behind a lock, ``SimulatedRuntime/inventory``, the clock. It must not change
  ///     anything that the program sees.
  public func invariant(
    _ name: String, at moments: InvariantMoments = .everyStep, _ holds: @escaping @Sendable () -> Bool
  ) {
    simulation.assertCurrent()
    simulation.invariants.append(Invariant(name: name, moments: moments, holds: holds))
  }
}

extension Simulation {
  /// Returns the first invariant of these moments that does not hold.
  func violation(at moments: InvariantMoments) -> Invariant? {
    guard !invariants.isEmpty,
      let invariant = invariants.first(where: { $0.moments == moments && !$0.holds() })
    else { return nil }
    journal.record(.note("the invariant \"\(invariant.name)\" does not hold", on: nil))
    return invariant
  }
}

import Runtime

/// Something that has to hold for as long as a simulation's body runs.
struct Invariant: Sendable {
  let name: String
  let moments: InvariantMoments
  let holds: @Sendable () -> Bool
}

/// When a simulation looks whether an invariant holds.
public enum InvariantMoments: Hashable, Sendable {
  /// After each job: after all that a task does from one suspension to the next.
  case everyStep
  /// Whenever nothing is ready to run, before the time goes on: after all has been done that can be done at that time.
  case quietMoments
}

extension SimulatedRuntime {
  /// Has the run fail (``SimulationFailure/Cause/violation(_:)``) as soon as `holds` returns false, until the body has
  /// ended.
  ///
  /// ```swift
  /// let accounts = Accounts()
  /// runtime.invariant("no money is made or lost") { accounts.sum == 100 }
  /// ```
  ///
  /// - Parameters:
  ///   - name: says in the failure what did not hold.
  ///   - moments: when to look.
  ///   - holds: is called on the simulation's thread, in no task, so that it reads what can be read without waiting: what is
  ///     behind a lock, ``SimulatedRuntime/inventory``, the clock. It must not change anything that the program sees.
  public func invariant(
    _ name: String, at moments: InvariantMoments = .everyStep, _ holds: @escaping @Sendable () -> Bool
  ) {
    simulation.assertCurrent()
    simulation.invariants.append(Invariant(name: name, moments: moments, holds: holds))
  }
}

extension Simulation {
  /// The first invariant that is to hold now and does not.
  func violation(at moments: InvariantMoments) -> Invariant? {
    guard !invariants.isEmpty,
      let invariant = invariants.first(where: { $0.moments == moments && !$0.holds() })
    else { return nil }
    journal.record(.note("the invariant \"\(invariant.name)\" does not hold", on: nil))
    return invariant
  }
}

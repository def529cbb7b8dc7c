/// Runs `body` in a simulation again and again, and prefers runs like those that reached new code.
///
/// It makes runs with random order, as ``simulate(seeds:schedule:faults:limits:_:)`` does. It keeps each run in which
/// some code runs for the first time, or a number of times that is new, and makes further runs from those kept. Such a
/// run repeats the kept one up to one of its choices, and from there on draws everything random from a new seed
/// (``Schedule/branching(at:)``). A quarter of the runs begin anew. So this function finds bugs that need several
/// unlikely steps one after another: it finds the steps one by one, where a seed has to have all of them. It needs each
/// step to run code of its own. This is coverage-guided fuzzing as in AFL (Zalewski, "American fuzzy lop", 2013), of
/// orders and faults in place of input.
///
/// The compiler puts counters into the Swift code of a program that is built with `--enable-code-coverage`. This
/// function reads them and does not reset them, so a report of coverage counts its runs like any others. They count for
/// the whole process, and thus also what other tests reach meanwhile. So a run that looks new is made a second time,
/// and what it does not reach again does not count. A run that is kept because of other tests all the same only wastes
/// time. Each run is repeatable by itself, but while other tests run, the same call may make other runs.
///
/// With the environment variable `SIMULATION_SEED`, that seed alone is run, and no coverage is needed.
/// `SIMULATION_TRACE` and `SIMULATION_PICTURE` have the same effect as with
/// ``simulate(seeds:schedule:faults:limits:_:)``.
///
/// Cancelling the task ends the run in progress.
///
/// - Parameters:
///   - seed: the seed of the first run. Each further run takes what is new in it from the next seed.
///   - faults: what goes wrong, and how often.
///   - limits: when a run has taken too long.
///   - runs: the number of runs to make, not counting the second time of those that look new.
///   - body: the test.
/// - Returns: what the runs reached.
/// - Throws: ``SimulationFailure`` for the first run that fails, with only the faults that the failure needs; its
///   ``SimulationFailure/schedule`` repeats it. ``CoverageUnavailable`` if the program was built without coverage, or
///   `CancellationError`.
@discardableResult
public func fuzz(
  seed: UInt64 = 1, faults: FaultPlan = .none, limits: SimulationLimits = SimulationLimits(), runs: Int = 1_000,
  _ body: @escaping @Sendable (SimulatedRuntime) async throws -> Void
) async throws -> FuzzingReport {
  let scenario = Scenario(schedule: .random, faults: faults, limits: limits, body: body)
  return try await onSimulationThread { thread in
    if let seed = try Environment.seed() {
      _ = try await scenario.run(seed, on: thread)
      return FuzzingReport(runs: 1, keptRuns: 0, counters: 0)
    }
    let counters = try CoverageCounters()
    var corpus = Corpus(seed: seed, counters: counters.count)
    for _ in 0..<runs {
      let run = corpus.next()
      counters.begin()
      let report = try await scenario.run(run.seed, run.schedule, on: thread)
      var rises = counters.end()
      if corpus.isNew(rises) {
        counters.begin()
        _ = try await scenario.run(run.seed, run.schedule, on: thread)
        // Leaves out what other threads have reached, and what happens only once in a process (AFL: calibration).
        rises = Array(Set(rises).intersection(counters.end()))
      }
      corpus.record(run, choices: report.choices, rises)
    }
    return corpus.report
  }
}

/// What fuzzing without a failure reached.
public struct FuzzingReport: Hashable, Sendable {
  /// The number of runs, not counting the second time of those that looked new.
  public let runs: Int
  /// The number of runs that were kept to make others from, because they reached new code.
  public let keptRuns: Int
  /// The number of coverage counters that rose in some run; 0 if coverage was not measured.
  public let counters: Int
}

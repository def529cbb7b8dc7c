import Glibc
import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The search for runs that reach new code.
struct FuzzTests {
  @Test func `SIMULATION_SEED selects the only run, for which no coverage is needed`() async throws {
    try await #require(processExitsWith: .success) {
      setenv("SIMULATION_SEED", "7", 1)
      let seeds = Recorder<UInt64>()
      try await fuzz { seeds.record($0.seed) }
      #expect(seeds.elements == [7])
    }
  }

  @Test(.disabled(if: hasCoverageCounters, "the program is built with coverage"))
  func `Without coverage, it says how to build the program`() async throws {
    let error = try await #require(throws: CoverageUnavailable.self) { try await fuzz { _ in } }
    #expect(
      "\(error)" == "fuzz found no coverage counters in this program: build it with --enable-code-coverage, as in "
        + "swift test --enable-code-coverage")
  }

  @Test(.enabled(if: hasCoverageCounters, "needs --enable-code-coverage"))
  func `It finds step by step what seeds have to find at once`() async throws {
    let runs = 4_000
    let bug: @Sendable (SimulatedRuntime) async throws -> Void = { try await OrderBug.chain.provoke(depth: 16, $0) }
    try await simulate(seeds: 1...UInt64(runs), bug)
    let failure = try await #require(throws: SimulationFailure.self) { try await fuzz(runs: runs, bug) }
    guard case .branching = failure.schedule else { throw failure }
    #expect(failure.description.hasSuffix("simulate(seed: \(failure.seed), schedule: \(failure.schedule)) repeats it."))
    let again = try await #require(throws: SimulationFailure.self) {
      try await simulate(seed: failure.seed, schedule: failure.schedule, bug)
    }
    #expect(again.trace.firstDifference(from: failure.trace) == nil)
  }

  @Test(.enabled(if: hasCoverageCounters, "needs --enable-code-coverage"))
  func `It counts what runs between the beginning and the end of a measurement`() throws {
    let counters = try CoverageCounters()
    let measured = [20, 1, 3].map { times in
      counters.begin()
      for _ in 0..<times { _ = OrderBug.allCases }
      return Dictionary(uniqueKeysWithValues: counters.end().map { ($0.counter, $0.bucket) })
    }
    // The counter of the loop's body, in which no other test has a part.
    #expect(measured[0].contains { $0.value == 32 && measured[1][$0.key] == 1 && measured[2][$0.key] == 4 })
  }

  @Test(.enabled(if: hasCoverageCounters, "needs --enable-code-coverage"))
  func `It makes as many runs as it is told, and says what they reached`() async throws {
    let bodies = Recorder<Void>()
    let report = try await fuzz(seed: 5, runs: 30) { runtime in
      bodies.record(())
      try await OrderBug.chain.provoke(depth: 12, runtime)
    }
    #expect(report.runs == 30)
    // Each run that is kept has been made twice.
    #expect(bodies.elements.count >= 30 + report.keptRuns)
    #expect((2...30).contains(report.keptRuns))
    #expect(report.counters > 100)
  }
}

import Runtime
import RuntimeSimulation
import RuntimeTesting
import Testing

struct SimulatedRuntimeTests {
  /// The cases that a simulation can pass: it runs everything on one thread, in simulated time, in a network of its
  /// own.
  private static let cases = RuntimeConformance.cases(
    without: [.threads, .realDescriptors, .realTime, .quietProcess])

  @Test(arguments: cases)
  func `The simulated runtime keeps its promises`(promise: RuntimeConformance.Case) async throws {
    try await simulate(seeds: 1...5) { runtime in
      try await promise.check(within: nil) { runtime.host() }
    }
  }

  /// A stream may read and write less at a time than it could. No promise may depend on that.
  @Test(arguments: cases.filter { ![.timers, .executor].contains($0.area) })
  func `The simulated runtime keeps its promises with short reads and writes`(
    promise: RuntimeConformance.Case
  ) async throws {
    var faults = FaultPlan.none
    faults.shortReads = 0.3
    faults.shortWrites = 0.3
    faults.acceptFailures = 0.1
    try await simulate(seeds: 1...3, faults: faults) { runtime in
      try await promise.check(within: nil) { runtime.host() }
    }
  }
}

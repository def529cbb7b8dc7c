import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The conformance suite, run on each backend.
///
/// It runs one case at a time per backend, since some cases keep both cores of a small machine busy.
@Suite(.timeLimit(.minutes(10))) struct ConformanceTests {
  /// A case of the suite, and the backend to run it on.
  struct Trial: Sendable, Codable, CustomTestStringConvertible {
    let variant: Variant
    let promise: RuntimeConformance.Case

    var testDescription: String { "\(variant.testDescription), \(promise)" }

    func run() async throws {
      try await promise.check(within: .seconds(300)) { try variant.makeRuntime() }
    }
  }

  /// Every case on every backend, and again with one worker and with another poller the cases that these might break.
  static let trials = Backend.allCases.flatMap { backend in
    PollerKind.allCases.flatMap { poller in
      [1, 2, 3].flatMap { workers -> [Trial] in
        let areas: Set<RuntimeConformance.Area>
        switch (poller == .best, workers) {
        case (true, 2): areas = Set(RuntimeConformance.Area.allCases)
        case (true, 1): areas = [.executor, .timers, .blockingWork, .threads, .shutdown]
        case (false, 3):
          areas = [
            .streams, .listeners, .addresses, .datagrams, .cancellation, .closing, .shutdown, .leaks, .faults,
          ]
        default: areas = []
        }
        return RuntimeConformance.cases.filter { areas.contains($0.area) }.map {
          Trial(variant: Variant(backend: backend, poller: poller, workers: workers), promise: $0)
        }
      }
    }
  }

  static func trials(of backend: Backend) -> [Trial] {
    trials.filter { $0.variant.backend == backend && !$0.promise.needs.contains(.quietProcess) }
  }

  @Suite(.serialized) struct Concurrency {
    @Test(arguments: trials(of: .concurrency))
    func `the backend on Swift's pool keeps its promises`(trial: Trial) async throws { try await trial.run() }
  }

  @Suite(.serialized) struct Dispatch {
    @Test(arguments: trials(of: .dispatch))
    func `the backend on Dispatch keeps its promises`(trial: Trial) async throws { try await trial.run() }
  }

  @Suite(.serialized) struct Custom {
    @Test(arguments: trials(of: .custom))
    func `the backend on threads of its own keeps its promises`(trial: Trial) async throws { try await trial.run() }
  }

  @Suite(.serialized) struct Quiet {
    @Test(arguments: trials.filter { $0.promise.needs.contains(.quietProcess) })
    func `A backend keeps its promises in a process where nothing else goes on`(trial: Trial) async throws {
      await #expect(processExitsWith: .success) { [trial] in try await trial.run() }
    }
  }

  @Test func `Each case has a name of its own`() {
    let promises = RuntimeConformance.cases.map(\.promise)
    #expect(Set(promises).count == promises.count)
  }

  @Test func `Every area has cases, and those with unmet requirements can be left out`() {
    for area in RuntimeConformance.Area.allCases {
      #expect(RuntimeConformance.cases.contains { $0.area == area }, "\(area)")
    }
    let simple = RuntimeConformance.cases(without: [.threads, .realDescriptors])
    #expect(simple.allSatisfy { $0.needs.isDisjoint(with: [.threads, .realDescriptors]) })
    #expect(simple.contains { $0.needs.contains(.realTime) } && simple.contains { $0.needs.isEmpty })
  }
}

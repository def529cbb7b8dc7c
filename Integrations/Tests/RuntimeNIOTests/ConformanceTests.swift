import NIOPosix
import Runtime
import RuntimeNIO
import RuntimeTesting
import Testing

/// What every runtime promises, asked of the one on NIO's event loops.
@Suite(.timeLimit(.minutes(10)), .serialized) struct ConformanceTests {
  /// What a runtime on NIO cannot promise.
  static let exceptions: Set<String> = [
    // A channel belongs to one event loop for life, and jobs run on the loops: what keeps a loop keeps its connections.
    "A worker stuck in a job delays nothing that another worker could do"
  ]

  /// A promise, and by how many loops it is to be kept.
  struct Trial: Sendable, Codable, CustomTestStringConvertible {
    let loops: Int
    let promise: RuntimeConformance.Case

    var testDescription: String { "\(loops) loops, \(promise)" }

    func run() async throws {
      try await promise.check(within: .seconds(300)) { try NIORuntime(loops: loops) }
    }
  }

  static let trials = [1, 2].flatMap { loops in
    RuntimeConformance.cases.filter { !exceptions.contains($0.promise) }.map { Trial(loops: loops, promise: $0) }
  }

  @Test(arguments: trials.filter { !$0.promise.needs.contains(.quietProcess) })
  func `It keeps its promises`(trial: Trial) async throws { try await trial.run() }

  @Test(arguments: trials.filter { $0.promise.needs.contains(.quietProcess) })
  func `It keeps those that need a process to themselves`(trial: Trial) async throws {
    await #expect(processExitsWith: .success) { [trial] in try await trial.run() }
  }

  @Test func `Every exception is a promise`() {
    #expect(Self.exceptions.isSubset(of: RuntimeConformance.cases.map(\.promise)))
  }
}

import NIOPosix
import Runtime
import RuntimeNIO
import RuntimeTesting
import Testing

/// The conformance suite, run on the runtime on NIO's event loops.
@Suite(.timeLimit(.minutes(10)), .serialized) struct ConformanceTests {
  /// The promises that a runtime on NIO cannot keep.
  static let exceptions: Set<String> = [
    // A channel belongs to one event loop for life, and jobs run on the loops: a job that blocks a loop blocks its
    // channels.
    "A worker stuck in a job delays nothing that another worker could do"
  ]

  /// A promise, and the number of loops to test it with.
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
  func `It keeps those promises that need a process of their own`(trial: Trial) async throws {
    await #expect(processExitsWith: .success) { [trial] in try await trial.run() }
  }

  @Test func `Every exception is a promise`() {
    #expect(Self.exceptions.isSubset(of: RuntimeConformance.cases.map(\.promise)))
  }
}

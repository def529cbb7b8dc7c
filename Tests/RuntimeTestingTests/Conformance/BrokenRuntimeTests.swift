import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// That the conformance suite can fail: each broken runtime fails the case that is meant for it, which says what is wrong.
@Suite(.timeLimit(.minutes(10))) struct BrokenRuntimeTests {
  /// Long enough for all that does not hang, on a machine that is busy with other tests.
  private static let limit = Duration.seconds(10)

  private static func make(_ flaw: Flaw?) throws -> any AsyncRuntime {
    func breaking(_ base: some AsyncRuntime) -> any AsyncRuntime { BrokenRuntime(base, flaw) }
    return breaking(try Backend.custom.makeRuntime())
  }

  private static func check(_ flaw: Flaw) async throws {
    let (promise, finding) = flaw.verdict
    let meant = try #require(RuntimeConformance.cases.first { $0.promise == promise })
    let broken = try await #require(throws: BrokenPromise.self) {
      try await meant.check(within: limit) { try make(flaw) }
    }
    #expect(broken.promise == promise)
    #expect("\(broken)".contains(finding), "\(broken)")
  }

  @Test(arguments: Flaw.allCases.filter { !$0.needsOwnProcess })
  func `A broken runtime fails the case that is meant for it`(flaw: Flaw) async throws {
    try await Self.check(flaw)
  }

  @Test(arguments: Flaw.allCases.filter(\.needsOwnProcess))
  func `A broken runtime that harms its process fails the case that is meant for it`(flaw: Flaw) async throws {
    await #expect(processExitsWith: .success) { [flaw] in try await Self.check(flaw) }
  }

  @Test(.serialized, arguments: RuntimeConformance.cases(without: .quietProcess))
  func `The same runtime passes when nothing of it is broken`(promise: RuntimeConformance.Case) async throws {
    try await promise.check { try Self.make(nil) }
  }
}

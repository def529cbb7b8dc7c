import Runtime
import RuntimeCustom
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// That the conformance suite can fail: each broken runtime fails the case that is meant for it, which says what is wrong.
@Suite(.timeLimit(.minutes(10))) struct BrokenRuntimeTests {
  private static func make(_ flaw: Flaw?) throws -> any AsyncRuntime {
    func breaking(_ base: some AsyncRuntime) -> any AsyncRuntime { BrokenRuntime(base, flaw) }
    // Without a watchdog, which would cover for some flaws.
    switch flaw {
    case nil: return breaking(try Backend.custom.makeRuntime())
    case .refusesNoWork:
      return breaking(try CustomRuntime(workers: 2, blocking: BlockingLimits(queued: .max), stalls: nil))
    default: return breaking(try CustomRuntime(workers: 2, stalls: nil))
    }
  }

  private static func check(_ flaw: Flaw, within limit: Duration = .seconds(300)) async throws {
    let (promise, finding) = flaw.verdict
    let meant = try #require(RuntimeConformance.cases.first { $0.promise == promise })
    // Some flaws lie in a race, which is not lost every time on a machine that has much else to do.
    for _ in 0..<10 {
      do throws(BrokenPromise) {
        try await meant.check(within: limit) { try make(flaw) }
      } catch {
        #expect(error.promise == promise)
        #expect("\(error)".contains(finding), "\(error)")
        return
      }
    }
    Issue.record("nobody noticed that it \(flaw)")
  }

  @Test(arguments: Flaw.allCases.filter { !$0.harmsItsProcess && !$0.keepsWaiting })
  func `A broken runtime fails the case that is meant for it`(flaw: Flaw) async throws {
    try await Self.check(flaw)
  }

  @Test(arguments: Flaw.allCases.filter(\.harmsItsProcess))
  func `A broken runtime that harms its process fails the case that is meant for it`(flaw: Flaw) async throws {
    await #expect(processExitsWith: .success) { [flaw] in
      // Twenty thousand calls take their time. The others may hang, or with enough patience get what they wait for.
      try await Self.check(flaw, within: flaw == .refusesNoWork ? .seconds(300) : .seconds(60))
    }
  }

  @Test func `A broken runtime that keeps one waiting fails the case that is meant for it, in bounded time`() async {
    // All at once, as they do nothing but wait; and where no other test delays what has to come before.
    await #expect(processExitsWith: .success) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for flaw in Flaw.allCases where flaw.keepsWaiting {
          group.addTask { try await Self.check(flaw, within: .seconds(30)) }
        }
        try await group.waitForAll()
      }
    }
  }

  @Test(.serialized, arguments: RuntimeConformance.cases(without: .quietProcess))
  func `The same runtime passes when nothing of it is broken`(promise: RuntimeConformance.Case) async throws {
    try await promise.check(within: .seconds(300)) { try Self.make(nil) }
  }
}

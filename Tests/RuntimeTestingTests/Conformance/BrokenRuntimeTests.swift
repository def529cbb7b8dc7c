import Runtime
import RuntimeCustom
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Checks that the conformance suite can fail: each broken runtime fails the case for its flaw, and the error describes
/// it.
@Suite(.timeLimit(.minutes(10))) struct BrokenRuntimeTests {
  private static func make(_ flaw: Flaw?) throws -> any AsyncRuntime {
    func breaking(_ base: some AsyncRuntime) -> any AsyncRuntime { BrokenRuntime(base, flaw) }
    // Without a watchdog, which would hide some flaws.
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
    // Some flaws are races, which a busy machine does not lose every time.
    for _ in 0..<10 {
      do throws(BrokenPromise) {
        try await meant.check(within: limit) { try make(flaw) }
      } catch {
        #expect(error.promise == promise)
        #expect("\(error)".contains(finding), "\(error)")
        return
      }
    }
    Issue.record("the case did not detect the flaw \(flaw)")
  }

  @Test(arguments: Flaw.allCases.filter { !$0.harmsItsProcess && !$0.keepsWaiting })
  func `A broken runtime fails the case for its flaw`(flaw: Flaw) async throws {
    try await Self.check(flaw)
  }

  @Test(arguments: Flaw.allCases.filter(\.harmsItsProcess))
  func `A broken runtime that harms its process fails the case for its flaw`(flaw: Flaw) async throws {
    await #expect(processExitsWith: .success) { [flaw] in
      // Twenty thousand calls take long. Other cases may hang, or pass if they wait long enough.
      try await Self.check(flaw, within: flaw == .refusesNoWork ? .seconds(300) : .seconds(60))
    }
  }

  @Test func `A broken runtime that never resumes a task fails the case for its flaw in bounded time`() async {
    // All at once, as they only wait, and in a process where no other test delays the steps before the wait.
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
  func `The same runtime passes without a flaw`(promise: RuntimeConformance.Case) async throws {
    try await promise.check(within: .seconds(300)) { try Self.make(nil) }
  }
}

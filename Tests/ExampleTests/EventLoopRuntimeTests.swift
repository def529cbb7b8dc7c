import EventLoopRuntime
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The backend of the first part of docs/writing-a-backend.md.
@Suite(.timeLimit(.minutes(10)), .serialized) struct EventLoopRuntimeTests {
  @Test(arguments: RuntimeConformance.cases(without: .quietProcess))
  func `It keeps its promises`(promise: RuntimeConformance.Case) async throws {
    try await promise.check(within: .seconds(300)) { try EventLoopRuntime() }
  }

  @Test func `It keeps those promises that need a process of their own`() async throws {
    await #expect(processExitsWith: .success) {
      for promise in RuntimeConformance.cases where promise.needs.contains(.quietProcess) {
        await #expect(throws: Never.self) { try await promise.check { try EventLoopRuntime() } }
      }
    }
  }

  @Test func `It serves both versions of HTTP`() async throws {
    let runtime = try EventLoopRuntime()
    try await checkThatItServes(on: runtime)
    await runtime.shutdown()
  }
}

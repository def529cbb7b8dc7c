import PollRuntime
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The final backend of docs/writing-a-backend.md.
@Suite(.timeLimit(.minutes(10)), .serialized) struct PollRuntimeTests {
  @Test(arguments: RuntimeConformance.cases(without: .quietProcess))
  func `It keeps its promises`(promise: RuntimeConformance.Case) async throws {
    try await promise.check(within: .seconds(300)) { try PollRuntime() }
  }

  @Test func `It keeps those promises that need a process of their own`() async throws {
    await #expect(processExitsWith: .success) {
      for promise in RuntimeConformance.cases where promise.needs.contains(.quietProcess) {
        await #expect(throws: Never.self) { try await promise.check { try PollRuntime() } }
      }
    }
  }

  @Test func `It serves both versions of HTTP`() async throws {
    let runtime = try PollRuntime()
    try await checkThatItServes(on: runtime)
    await runtime.shutdown()
  }

  @Test func `Dropped work closes a stream that only it refers to`() async throws {
    func startWork(with stream: PollStream, on runtime: PollRuntime) -> Task<Void, any Error> {
      runtime.spawn { try await runtime.runBlocking { _ = stream } }
    }
    let runtime = try PollRuntime()
    let listener = try await runtime.listen(on: .loopback(port: 0))
    for round in 0..<100 {
      let working = startWork(with: try await runtime.connect(to: listener.localAddress), on: runtime)
      let peer = try await listener.accept()
      for _ in 0..<round % 5 { await Task.yield() }
      working.cancel()
      _ = await working.result
      #expect(try await peer.readToEnd() == [])
    }
    await runtime.shutdown()
  }
}

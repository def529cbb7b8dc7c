import Runtime
import RuntimeTestSupport
import Testing

@Suite(.timeLimit(.minutes(10))) struct RunTests {
  struct Failure: Error, Equatable {}

  @Test(arguments: Backend.allCases)
  func `run takes a program from synchronous code to its end`(backend: Backend) async throws {
    @Sendable func run(_ runtime: some AsyncRuntime) throws {
      #expect(try runtime.blockOn { 1 } == 1)
      let name = try runtime.run { runtime in
        try await runtime.clock.sleep(for: .milliseconds(2))
        return runtime.name
      }
      #expect(name == backend.rawValue)
    }
    @Sendable func fail(_ runtime: some AsyncRuntime) throws { try runtime.run { _ in throw Failure() } }
    let (first, second) = (try backend.makeRuntime(), try backend.makeRuntime())
    // On a separate thread, which may block: the test's own thread belongs to Swift's pool.
    await withCheckedContinuation { continuation in
      onForeignThread {
        #expect(throws: Never.self) { try run(first) }
        #expect(throws: Failure()) { try fail(second) }
        continuation.resume()
      }
    }
  }
}

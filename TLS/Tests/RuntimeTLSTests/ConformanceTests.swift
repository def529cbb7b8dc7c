import Runtime
import RuntimeTLS
import RuntimeTesting
import Testing

/// What every stream promises, asked of streams over TLS.
@Suite(.timeLimit(.minutes(10)), .serialized) struct ConformanceTests {
  struct Trial: Sendable, Codable, CustomTestStringConvertible {
    let backend: Backend
    let promise: RuntimeConformance.Case

    var testDescription: String { "\(backend), \(promise)" }
  }

  /// What streams over TLS promise otherwise.
  static let otherwise: Set = [
    // These take a plain close for the end. Over TLS it says nothing, so that what is cut off is told from what has ended.
    "A stream that several tasks close at once is closed exactly once",
    "A write waits while the peer does not read",
    "The peer of a closed stream reads what was written, and then the end",
    "Closing a stream never affects another",
    "Of two concurrent writes, one fails as busy and the other completes",
  ]

  static let promises = RuntimeConformance.cases(without: [.realDescriptors, .quietProcess]).filter { promise in
    // Listeners of these tests wait for a handshake.
    let isOfStreams = !["accept", "listener", "sleep"].contains { promise.promise.lowercased().contains($0) }
    return [.streams, .cancellation, .closing].contains(promise.area) && isOfStreams
      && !otherwise.contains(promise.promise)
  }

  @Test(
    arguments: Backend.allCases.flatMap { backend in promises.map { Trial(backend: backend, promise: $0) } })
  func `A stream over TLS keeps the promises of every stream`(trial: Trial) async throws {
    @Sendable func secure(_ runtime: some AsyncRuntime) throws -> any AsyncRuntime { try SecureRuntime(runtime) }
    try await trial.promise.check(within: .seconds(300)) { try secure(trial.backend.makeRuntime()) }
  }

  @Test func `What is promised otherwise is promised`() {
    let promises = Set(RuntimeConformance.cases.map(\.promise))
    #expect(Self.otherwise.isSubset(of: promises))
  }
}

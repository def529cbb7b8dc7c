import Runtime
import RuntimeTLS
import RuntimeTesting
import Testing

/// The conformance suite for streams, run on streams over TLS.
@Suite(.timeLimit(.minutes(10)), .serialized) struct ConformanceTests {
  struct Trial: Sendable, Codable, CustomTestStringConvertible {
    let backend: Backend
    let promise: RuntimeConformance.Case

    var testDescription: String { "\(backend), \(promise)" }
  }

  /// The promises that streams over TLS keep in another way.
  static let otherwise: Set = [
    // In these a plain close means the end. Over TLS it does not, so that truncation is distinguished from the end.
    "A stream that several tasks close at once is closed exactly once",
    "A write waits while the peer does not read",
    "The peer of a closed stream reads what was written, and then the end",
    "Closing a stream never affects another",
    "Of two concurrent writes, one fails as busy and the other completes",
  ]

  static let promises = RuntimeConformance.cases(without: [.realDescriptors, .quietProcess]).filter { promise in
    // Listeners of these tests wait for a handshake, so cases of listeners do not apply.
    let isOfStreams = !["accept", "listener", "sleep"].contains { promise.promise.lowercased().contains($0) }
    return [.streams, .cancellation, .closing].contains(promise.area) && isOfStreams
      && !otherwise.contains(promise.promise)
  }

  @Test(
    arguments: Backend.allCases.flatMap { backend in promises.map { Trial(backend: backend, promise: $0) } })
  func `A stream over TLS keeps the promises of streams`(trial: Trial) async throws {
    @Sendable func secure(_ runtime: some AsyncRuntime) throws -> any AsyncRuntime { try SecureRuntime(runtime) }
    try await trial.promise.check(within: .seconds(300)) { try secure(trial.backend.makeRuntime()) }
  }

  @Test func `Every exception is a promise of the suite`() {
    let promises = Set(RuntimeConformance.cases.map(\.promise))
    #expect(Self.otherwise.isSubset(of: promises))
  }
}

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
    "A stream that many close at once is closed once",
    "A write waits while the peer does not take what was written",
    "Closing ends the stream at the other end, after what was written before",
    "Closing one stream never harms another",
    "Of two that write at once, one is told that the stream is busy and the other goes on",
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

import Runtime
import RuntimeTestSupport
import Testing

/// A backend, a poller, and a number of workers.
struct Variant: Sendable, Codable, CustomTestStringConvertible {
  let backend: Backend
  let poller: PollerKind
  var workers = 2

  /// Every backend on every poller.
  static let all = Backend.allCases.flatMap { backend in
    PollerKind.allCases.map { Variant(backend: backend, poller: $0) }
  }

  var testDescription: String { "\(backend) on \(poller) with \(workers) worker\(workers == 1 ? "" : "s")" }

  func makeRuntime() throws -> any AsyncRuntime { try backend.makeRuntime(workers: workers, poller: poller) }

  func withRuntime(_ body: (any AsyncRuntime) async throws -> Void) async throws {
    try await backend.withRuntime(workers: workers, poller: poller, body)
  }
}

import Glibc
package import Runtime
import RuntimeConcurrency
import RuntimeCustom
import RuntimeDispatch

/// The backends that a parameterised test runs on.
package enum Backend: String, CaseIterable, Sendable, Codable {
  case concurrency, dispatch, custom

  /// All of them, or the one that `RUNTIME` names.
  package static let allCases: [Backend] = {
    let all: [Backend] = [.concurrency, .dispatch, .custom]
    guard let variable = getenv("RUNTIME") else { return all }
    let name = String(cString: variable)
    precondition(name.isEmpty || all.contains { $0.rawValue == name }, "RUNTIME=\(name) is not a backend")
    return name.isEmpty ? all : all.filter { $0.rawValue == name }
  }()

  /// A new runtime, for tests of a runtime's end. Other tests use ``withRuntime(workers:poller:_:)``.
  package func makeRuntime(
    workers: Int? = 2, poller: PollerKind = .best, blocking: BlockingLimits = BlockingLimits(),
    stalls: StallOptions? = StallOptions()
  ) throws -> any AsyncRuntime {
    switch self {
    case .concurrency:
      try ConcurrencyRuntime(workers: workers, poller: poller, blocking: blocking, stalls: stalls)
    case .dispatch: try DispatchRuntime(workers: workers, poller: poller, blocking: blocking, stalls: stalls)
    case .custom: try CustomRuntime(workers: workers, poller: poller, blocking: blocking, stalls: stalls)
    }
  }

  /// Runs `body` with a runtime of `workers` workers (`nil`: the backend's default), and shuts it down afterwards.
  ///
  /// `body` does not run on the runtime, but tasks that it spawns there do.
  package func withRuntime(
    workers: Int? = 2, poller: PollerKind = .best, blocking: BlockingLimits = BlockingLimits(),
    stalls: StallOptions? = StallOptions(), _ body: (any AsyncRuntime) async throws -> Void
  ) async throws {
    let runtime = try makeRuntime(workers: workers, poller: poller, blocking: blocking, stalls: stalls)
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(runtime))
    } catch {
      result = .failure(error)
    }
    await runtime.shutdown()
    try result.get()
  }
}

import Runtime
import RuntimeConcurrency
import RuntimeCustom
import RuntimeDispatch

/// The backends that a parameterised test runs on.
enum Backend: String, CaseIterable, Codable {
  case concurrency, dispatch, custom

  func makeRuntime() throws -> any AsyncRuntime {
    switch self {
    case .concurrency: try ConcurrencyRuntime(workers: 2)
    case .dispatch: try DispatchRuntime(workers: 2)
    case .custom: try CustomRuntime(workers: 2)
    }
  }

  /// Runs `body` with a runtime, and shuts it down afterwards.
  func withRuntime(_ body: (any AsyncRuntime) async throws -> Void) async throws {
    let runtime = try makeRuntime()
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

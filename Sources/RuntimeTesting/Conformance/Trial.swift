import Runtime
import RuntimePrimitives

/// One run of a case: the runtimes it has made, and what it waits for.
final class Trial: Sendable {
  /// The trial that the calling task is part of. A task that was spawned on a runtime is part of none.
  @TaskLocal static var current: Trial?

  private struct State {
    var runtimes: [any AsyncRuntime] = []
    /// What is being waited for, as it will be found if it never comes.
    var wait: Finding?
    /// What has been found already, if only the shutdown is left.
    var failure: (any Error)?
  }

  private let state = Lock(State())
  private let maker: @Sendable () async throws -> any AsyncRuntime
  private let limit: Duration?
  /// Where the case is in this library's sources.
  private let location: String

  init(makeRuntime: @escaping @Sendable () async throws -> any AsyncRuntime, limit: Duration?, location: String) {
    maker = makeRuntime
    self.limit = limit
    self.location = location
  }

  /// How long a thread may be blocked for something that will come unless the backend is broken: long, but short
  /// enough for the case to say itself what has not come.
  var patience: Duration { (limit ?? .seconds(120)) / 3 }

  /// A new runtime, which will be shut down when the case is over.
  func makeRuntime() async throws -> any AsyncRuntime {
    let runtime = try await expectEnd(of: "making a runtime", maker)
    state.withLock { $0.runtimes.append(runtime) }
    return runtime
  }

  /// Takes down what is waited for from now on.
  ///
  /// - Returns: what was until now.
  @discardableResult
  func begin(_ wait: Finding?) -> Finding? {
    state.withLock { state in
      defer { state.wait = wait }
      return state.wait
    }
  }

  /// Runs `body`, and shuts down the runtimes that it makes.
  func run(_ body: @escaping @Sendable (Trial) async throws -> Void) async throws(Finding) {
    do {
      try await Self.$current.withValue(self) {
        guard let limit else { return try await runToEnd(body) }
        try await run(body, within: limit)
      }
    } catch {
      throw error as? Finding
        ?? Finding("the case", expected: "no error", seen: "the error “\(error)”", at: location)
    }
  }

  private func runToEnd(_ body: @Sendable (Trial) async throws -> Void) async throws {
    let result: Result<Void, any Error>
    do {
      result = .success(try await body(self))
    } catch {
      result = .failure(error)
      state.withLock { $0.failure = error }
    }
    // What a case leaves behind when it fails may never end.
    let grace = if case .success = result { Duration.seconds(5) } else { Duration.zero }
    try await expectEnd(of: "the shutdown after the case") { await end(grace: grace) }
    try result.get()
  }

  private func end(grace: Duration) async {
    let runtimes = state.withLock { $0.runtimes }
    for runtime in runtimes { await runtime.shutdown(grace: grace) }
  }

  /// Runs `body` in a task of its own, which is left to itself if it has not ended within `limit`.
  private func run(_ body: @escaping @Sendable (Trial) async throws -> Void, within limit: Duration) async throws {
    let outcome = Monitor<Result<Void, any Error>?>(nil)
    let task = Task {
      let result: Result<Void, any Error>
      do {
        result = .success(try await runToEnd(body))
      } catch {
        result = .failure(error)
      }
      outcome.withLock { $0 = result }
      outcome.notifyAll()
    }
    let result = await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        watch(outcome, until: MonotonicTime.deadline(after: limit), continuation)
      }
    } onCancel: {
      task.cancel()
    }
    if let result { return try result.get() }
    task.cancel()
    Task { await end(grace: .zero) }
    if let failure = state.withLock({ $0.failure }) { throw failure }
    var wait = state.withLock { $0.wait } ?? Finding("the case", expected: "it to end", seen: "", at: location)
    wait.seen = "nothing in \(limit)"
    throw wait
  }

  /// Has a thread, which does not depend on anybody's executor or timer, resume `continuation` with the outcome, or with
  /// `nil` once `deadline` has passed.
  private func watch(
    _ outcome: Monitor<Result<Void, any Error>?>, until deadline: Int64,
    _ continuation: UnsafeContinuation<Result<Void, any Error>?, Never>
  ) {
    do throws(IOError) {
      try Thread(name: "watchdog") {
        let result = outcome.wait(until: deadline) { outcome, isLate -> Result<Void, any Error>?? in
          outcome == nil && !isLate ? .none : .some(outcome)
        }
        continuation.resume(returning: result)
      }.detach()
    } catch {
      continuation.resume(returning: .failure(error))
    }
  }
}

import Glibc
import Runtime
import RuntimePrimitives
import Synchronization

/// One run of a case: its runtimes, and the operation that it waits for.
final class Trial: Sendable {
  /// The trial of the calling task. A task that was spawned on a runtime has none.
  @TaskLocal static var current: Trial?

  private struct State {
    var runtimes: [any AsyncRuntime] = []
    /// The current wait, as the finding to report if it never ends.
    var wait: Finding?
    /// The error of the case, if only the shutdown is left.
    var failure: (any Error)?
  }

  private let state = Lock(State())
  private let maker: @Sendable () async throws -> any AsyncRuntime
  private let limit: Duration?
  /// The source location of the case in this library.
  private let location: String

  init(makeRuntime: @escaping @Sendable () async throws -> any AsyncRuntime, limit: Duration?, location: String) {
    maker = makeRuntime
    self.limit = limit
    self.location = location
  }

  /// How long a thread may block for an event that only a broken backend fails to deliver: long, but short enough that
  /// the case itself can report what is missing.
  var patience: Duration { (limit ?? .seconds(120)) / 3 }

  /// Creates a runtime that is shut down at the end of the case.
  func makeRuntime() async throws -> any AsyncRuntime {
    let runtime = try await expectEnd(of: "making a runtime", maker)
    state.withLock { $0.runtimes.append(runtime) }
    if let executor = runtime.taskExecutor { try expectLaterJobs(of: executor) }
    return runtime
  }

  /// Expects `executor` not to run a job inside `enqueue`. No case can be tried on a backend that does: a task that yields
  /// would run inside itself, deeper each time, until the stack overflows and the process ends.
  private func expectLaterJobs(of executor: any TaskExecutor) throws {
    let isHandingOver = Box(Atomic(true))
    let hasRun = Box(Atomic(false))
    let thread = pthread_self()
    // Not awaited: another case checks that each job runs.
    Task.detached(executorPreference: executor) {
      guard pthread_equal(pthread_self(), thread) != 0 else { return }
      if isHandingOver.value.load(ordering: .relaxed) { hasRun.value.store(true, ordering: .relaxed) }
    }
    isHandingOver.value.store(false, ordering: .relaxed)
    guard hasRun.value.load(ordering: .relaxed) else { return }
    throw Finding(
      "a job that is handed to the runtime's executor", expected: "to run once `enqueue` has returned",
      seen: "it run within", at: location)
  }

  /// Sets the current wait.
  ///
  /// - Returns: the previous one.
  @discardableResult
  func setCurrentWait(_ wait: Finding?) -> Finding? {
    state.withLock { state in
      defer { state.wait = wait }
      return state.wait
    }
  }

  /// Runs `body`, and shuts down its runtimes.
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
    // Tasks that a failed case leaves behind may never end.
    let grace = if case .success = result { Duration.seconds(5) } else { Duration.zero }
    try await expectEnd(of: "the shutdown after the case") { await shutDownRuntimes(grace: grace) }
    try result.get()
  }

  private func shutDownRuntimes(grace: Duration) async {
    let runtimes = state.withLock { $0.runtimes }
    for runtime in runtimes { await runtime.shutdown(grace: grace) }
  }

  /// Runs `body` in a separate task, which is abandoned if it has not ended within `limit`.
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
    Task { await shutDownRuntimes(grace: .zero) }
    if let failure = state.withLock({ $0.failure }) { throw failure }
    var wait = state.withLock { $0.wait } ?? Finding("the case", expected: "it to end", seen: "", at: location)
    wait.seen = "nothing in \(limit)"
    throw wait
  }

  /// Starts a thread that resumes `continuation` with the outcome, or with `nil` after `deadline`. A thread depends on
  /// no executor and no timer of the backend.
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

import Runtime
import RuntimePrimitives

/// A clock whose time advances only when a test says so.
final class ManualClock: SleepingClock {
  struct Instant: InstantProtocol {
    var offset: Duration
    func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
    func duration(to other: Instant) -> Duration { other.offset - offset }
    static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
  }

  private struct Sleeper {
    let id: Int
    let deadline: Instant
    let continuation: CheckedContinuation<Void, any Error>
  }

  private struct State {
    var now = Instant(offset: .zero)
    var sleepers: [Sleeper] = []
    var nextID = 0
    /// Tasks that wait until another task sleeps.
    var watchers: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Lock(State())

  var now: Instant { state.withLock { $0.now } }
  var minimumResolution: Duration { .zero }

  func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let outcome = state.withLock { state -> (Result<Void, any Error>?, [CheckedContinuation<Void, Never>]) in
          // Cancellation first sets the flag and then calls the handler, so at least one of these two places sees it.
          if Task.isCancelled { return (.failure(CancellationError()), []) }
          if deadline <= state.now { return (.success(()), []) }
          state.sleepers.append(Sleeper(id: id, deadline: deadline, continuation: continuation))
          defer { state.watchers = [] }
          return (nil, state.watchers)
        }
        if let result = outcome.0 { continuation.resume(with: result) }
        for watcher in outcome.1 { watcher.resume() }
      }
    } onCancel: {
      let sleeper = state.withLock { state in
        state.sleepers.firstIndex { $0.id == id }.map { state.sleepers.remove(at: $0) }
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }

  /// Advances by `duration` in steps of a second, each as soon as a task sleeps, so that a task that sleeps again is
  /// woken again.
  func advance(by duration: Duration) async {
    let end = now.advanced(by: duration)
    while now < end, await waitForSleeper() { step() }
  }

  /// Advances time as fast as tasks fall asleep while `body` runs. A task that is held up meanwhile may find that any
  /// amount of time has passed, so deadlines are tested in simulations.
  func flying<Result>(_ body: () async throws -> Result) async rethrows -> Result {
    async let _: Void = fly()
    return try await body()
  }

  private func fly() async {
    while await waitForSleeper() { step() }
  }

  private func step() {
    let due = state.withLock { state in
      state.now = state.now.advanced(by: .seconds(1))
      let now = state.now
      let due = state.sleepers.filter { $0.deadline <= now }
      state.sleepers.removeAll { $0.deadline <= now }
      return due
    }
    for sleeper in due { sleeper.continuation.resume() }
  }

  /// Waits until a task sleeps. Returns false if the calling task is cancelled.
  private func waitForSleeper() async -> Bool {
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isOver = state.withLock { state in
          let isOver = Task.isCancelled || !state.sleepers.isEmpty
          if !isOver { state.watchers.append(continuation) }
          return isOver
        }
        if isOver { continuation.resume() }
      }
      return !Task.isCancelled
    } onCancel: {
      let watchers = state.withLock { state in
        defer { state.watchers = [] }
        return state.watchers
      }
      for watcher in watchers { watcher.resume() }
    }
  }
}

import Dispatch
import Synchronization

/// A minimal executor and clock: it runs tasks on one thread of its own.
final class TaskQueue: TaskExecutor {
  /// The queue that `spawnTask` uses. Swift creates it, and its thread, on first use.
  static let shared = TaskQueue()

  private struct State {
    /// The jobs that are ready to run, in order of arrival.
    var jobs: [UnownedJob] = []
    /// The sleeping tasks, ordered by deadline.
    var sleepers: [Sleeper] = []
  }

  private struct Sleeper {
    let id: Int
    let deadline: ContinuousClock.Instant
    let continuation: CheckedContinuation<Void, any Error>
  }

  private let state = Mutex(State())
  private let changed = DispatchSemaphore(value: 0)
  private let lastID = Atomic(0)

  private init() {
    DispatchQueue(label: "task-queue").async { self.work() }
  }

  /// Swift calls this, on any thread, each time a task of this executor can run.
  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    state.withLock { $0.jobs.append(job) }
    changed.signal()
  }

  /// The worker's loop, for the life of the process: runs jobs, wakes sleepers, rests.
  private func work() {
    while true {
      for job in takeJobs() { unsafe job.runSynchronously(on: asUnownedTaskExecutor()) }
      // A minute at most, so that the timeout in nanoseconds cannot overflow.
      let rest = min(wakeSleepers().map { $0 - .now } ?? .seconds(60), .seconds(60))
      _ = changed.wait(timeout: .now() + .nanoseconds(Int(rest / .nanoseconds(1))))
    }
  }

  private func takeJobs() -> [UnownedJob] {
    state.withLock { state in
      defer { state.jobs = [] }
      return state.jobs
    }
  }

  /// Wakes the sleepers whose deadlines have passed, and returns the next deadline.
  private func wakeSleepers() -> ContinuousClock.Instant? {
    let (due, next) = state.withLock { state in
      let due = state.sleepers.prefix { $0.deadline <= .now }
      state.sleepers.removeFirst(due.count)
      return (due, state.sleepers.first?.deadline)
    }
    // Not under the lock: resuming a task enqueues its next job, which takes the lock.
    for sleeper in due { sleeper.continuation.resume() }
    return next
  }

  /// Suspends the calling task for `duration`. Other tasks can use the thread meanwhile.
  func sleep(for duration: Duration) async throws {
    let deadline = ContinuousClock.now + duration
    let id = lastID.add(1, ordering: .relaxed).newValue
    try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let sleeper = Sleeper(id: id, deadline: deadline, continuation: continuation)
        let isAsleep = state.withLock { state in
          // Under the lock: a cancellation after this check finds the sleeper.
          guard !Task.isCancelled else { return false }
          let place = state.sleepers.firstIndex { $0.deadline > deadline } ?? state.sleepers.endIndex
          state.sleepers.insert(sleeper, at: place)
          return true
        }
        if isAsleep { changed.signal() } else { continuation.resume(throwing: CancellationError()) }
      }
    } onCancel: {
      let sleeper = state.withLock { state in
        state.sleepers.firstIndex { $0.id == id }.map { state.sleepers.remove(at: $0) }
      }
      sleeper?.continuation.resume(throwing: CancellationError())
    }
  }
}

/// Starts `operation` on the queue and returns the handle to it.
@discardableResult
func spawnTask<Success: Sendable>(
  _ operation: sending @escaping () async throws -> Success
) -> Task<Success, any Error> {
  Task.detached(executorPreference: TaskQueue.shared, operation: operation)
}

/// Runs `operation` on the queue and blocks the calling thread, which must not be the queue's, until it is done.
func blockOn<Success: Sendable>(_ operation: sending @escaping () async throws -> Success) throws -> Success {
  // The semaphore orders the write before the read, so the initial error is never returned.
  nonisolated(unsafe) var result: Result<Success, any Error> = .failure(CancellationError())
  let done = DispatchSemaphore(value: 0)
  let task = spawnTask(operation)
  spawnTask {
    result = await task.result
    done.signal()
  }
  done.wait()
  return try result.get()
}

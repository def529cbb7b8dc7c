import CRuntime

/// A task executor without threads: its jobs wait in a queue that at most `width` threads of somebody else's pool drain.
///
/// What is in the queue is run in the order in which it came. A thread is asked for when a job comes and fewer than
/// `width` are at it, and gives itself back when the queue is empty or its turn is over.
package final class QueueExecutor: TaskExecutor {
  /// How many threads may run jobs at once.
  package let width: Int
  /// Has the pool call its argument once, soon, on one of its threads.
  private let borrowThread: @Sendable (@escaping @Sendable () -> Void) -> Void
  private let state = Lock(State())

  private struct State {
    var jobs = Ring<UnownedJob>()
    /// How many threads are at it, or have been asked for.
    var drains = 0
    var done = WorkerMetrics()
  }

  /// For how many nanoseconds a thread takes up new jobs before it lets the pool's other work have a turn.
  private static let turn: Int64 = 1_000_000

  package init(width: Int, borrowThread: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void) {
    self.width = width
    self.borrowThread = borrowThread
  }

  /// How many jobs wait for a thread.
  package var depth: Int { state.withLock { $0.jobs.count } }

  /// What its threads have done.
  package var done: WorkerMetrics { state.withLock { $0.done } }

  package func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let needsThread = state.withLock { state in
      state.jobs.append(job)
      guard state.drains < width else { return false }
      state.drains += 1
      state.done.wakes += 1
      return true
    }
    if needsThread { borrowThread(drain) }
  }

  /// Whether the calling thread is running a job of this executor.
  package var isCurrent: Bool { gearbox_slot(identity) >= 0 }

  private var identity: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

  @Sendable private func drain() {
    gearbox_enter_executor(identity, 0)
    defer { gearbox_enter_executor(nil, 0) }
    let end = monotonicNow() + Self.turn
    repeat {
      let job = state.withLock { state in
        let job = state.jobs.popFirst()
        if job == nil {
          state.drains -= 1
          state.done.parks += 1
        } else {
          state.done.jobs += 1
        }
        return job
      }
      guard let job else { return }
      unsafe job.runSynchronously(on: asUnownedTaskExecutor())
    } while monotonicNow() < end
    borrowThread(drain)
  }
}

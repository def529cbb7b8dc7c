public import Runtime
import RuntimePrimitives

/// A task executor without threads of its own: at most `width` threads of another pool drain its queue.
///
/// Jobs run in the order in which they arrive. When a job arrives and fewer than `width` threads are in use, the
/// executor requests another one. A thread returns to its pool when the queue is empty or its turn is over. Meanwhile
/// it occupies a lane, through which the watchdog checks its progress. After ``stop(deadline:)``, jobs run on Swift's
/// own pool.
public final class QueueExecutor: TaskExecutor {
  /// One lane for each thread that may run jobs at a time.
  public let lanes: [Lane]
  /// The watchdog for jobs that keep a thread for long. The backend starts it with this executor, and
  /// ``stop(deadline:)`` stops it.
  public let watchdog: Watchdog?
  /// Makes the pool call the argument once, soon, on one of its threads.
  private let borrowThread: @Sendable (@escaping @Sendable () -> Void) -> Void
  private let state: Lock<State>

  private struct State {
    var jobs = Ring<UnownedJob>()
    /// The lanes without a thread and without a pending request for one.
    var freeLanes: [Int]
    /// The lanes for which a thread has been requested but has not arrived.
    var awaitedLanes: [Int] = []
    var wakes = 0
    var isStopped = false
  }

  /// How long, in nanoseconds, a thread takes new jobs before it lets the pool's other work run.
  private static let turnLength: Int64 = 1_000_000

  /// Creates an executor with an empty queue.
  ///
  /// - Parameters:
  ///   - width: the number of threads that may run jobs at a time.
  ///   - runtime: the runtime's name, for reports of stalls.
  ///   - stalls: how to react to jobs that keep a thread for long; `nil` for no watchdog.
  ///   - borrowThread: makes the pool call the argument once, soon, on one of its threads, outside any task.
  public init(
    width: Int, runtime: String, stalls: StallOptions?,
    borrowThread: @escaping @Sendable (@escaping @Sendable () -> Void) -> Void
  ) {
    let watchdog = stalls.map { Watchdog(runtime: runtime, $0) }
    self.watchdog = watchdog
    lanes = (0..<width).map { Lane("worker \($0)", watchdog) }
    state = Lock(State(freeLanes: (0..<width).reversed()))
    self.borrowThread = borrowThread
  }

  /// The number of threads that may run jobs at a time.
  public var width: Int { lanes.count }

  /// The number of jobs that wait for a thread.
  public var depth: Int { state.withLock { $0.jobs.count } }

  /// The combined metrics of its threads.
  public var combinedMetrics: WorkerMetrics {
    var metrics = WorkerMetrics()
    for lane in lanes {
      metrics.jobs += lane.counters.jobs
      metrics.parks += lane.counters.parks
      metrics.busyTime += lane.counters.busyTime
    }
    metrics.wakes = state.withLock { $0.wakes }
    return metrics
  }

  /// Queues `job`, and requests a thread if another one is allowed. It may be called from any thread.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    TaskWatch.willQueue(job)
    let (freeLane, isStopped) = state.withLock { state -> (Int?, Bool) in
      if state.isStopped { return (nil, true) }
      state.jobs.append(job)
      guard let lane = state.freeLanes.popLast() else { return (nil, false) }
      state.awaitedLanes.append(lane)
      state.wakes += 1
      return (lane, false)
    }
    if isStopped { return runOnSwiftPool(job) }
    guard let freeLane else { return }
    // A thread that the pool does not provide counts as a stall, like one that blocks.
    lanes[freeLane].enter()
    borrowThread(drain)
  }

  /// Stops the watchdog, as the last step of a shutdown. It blocks the calling thread until the watchdog has ended. A
  /// relief worker that is still in a job at `deadline`, in nanoseconds of `MonotonicTime`, is abandoned.
  ///
  /// Queued and later jobs run on Swift's own pool. All threads of this executor could be in jobs that never end, and
  /// no relief worker is activated any more.
  public func stop(deadline: Int64) {
    var rest = state.withLock { state in
      state.isStopped = true
      return exchange(&state.jobs, with: Ring())
    }
    while let job = rest.popFirst() { runOnSwiftPool(job) }
    watchdog?.stop(deadline: deadline)
  }

  /// Runs `job` on Swift's own pool, with this executor's identity.
  private func runOnSwiftPool(_ job: UnownedJob) {
    SwiftPool.run { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }

  /// Runs jobs in a lane that has been waiting for a thread. It captures only `self`, so that requesting a thread does
  /// not allocate.
  @Sendable private func drain() {
    var lane: Int?
    let runner = JobRunner()
    let end = MonotonicTime.now + Self.turnLength
    repeat {
      let (index, job) = state.withLock { state -> (Int, UnownedJob?) in
        let index = lane ?? state.awaitedLanes.removeLast()
        let job = state.jobs.popFirst()
        if job == nil {
          // Before another thread can get the lane.
          lanes[index].counters.hasParked()
          lanes[index].leave()
          state.freeLanes.append(index)
        }
        return (index, job)
      }
      guard let job else { return }
      lane = index
      lanes[index].counters.hasTaken(job)
      runner.run(job, on: asUnownedTaskExecutor())
    } while MonotonicTime.now < end
    if let lane {
      lanes[lane].counters.hasNoJob()
      state.withLock { $0.awaitedLanes.append(lane) }
    }
    borrowThread(drain)
  }
}

extension QueueExecutor: WatchedScheduler {
  /// Whether a job waits for a thread.
  public var hasWaitingJobs: Bool { depth > 0 }

  /// Does nothing: other threads serve sockets and timers.
  public func cover(_ lane: Int) {}

  /// Runs queued jobs on the calling thread, in `lane`.
  public func relieve(in lane: Lane, while isNeeded: () -> Bool) {
    let runner = JobRunner()
    while isNeeded(), let job = state.withLock({ $0.jobs.popFirst() }) {
      lane.counters.hasTaken(job)
      runner.run(job, on: asUnownedTaskExecutor())
    }
  }
}

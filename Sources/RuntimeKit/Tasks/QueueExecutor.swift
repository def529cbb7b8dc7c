public import Runtime
import RuntimePrimitives

/// A task executor without threads: its jobs wait in a queue that at most `width` threads of another pool drain.
///
/// What is in the queue is run in the order in which it came. A thread is asked for when a job comes and fewer than
/// `width` are at it, and gives itself back when the queue is empty or its turn is over. Each has a lane meanwhile, by
/// which the watchdog sees whether it gets on. Once it has been stopped, jobs are run on Swift's own pool.
public final class QueueExecutor: TaskExecutor {
  /// A lane for each of the threads that may run jobs at once.
  public let lanes: [Lane]
  /// What sees to jobs that keep a thread for long. The backend starts it, with this executor; ``stop(deadline:)`` stops
  /// it.
  public let watchdog: Watchdog?
  /// Has the pool call its argument once, soon, on one of its threads.
  private let borrowThread: @Sendable (@escaping @Sendable () -> Void) -> Void
  private let state: Lock<State>

  private struct State {
    var jobs = Ring<UnownedJob>()
    /// The lanes in which no thread is, and none has been asked for.
    var freeLanes: [Int]
    /// The lanes for which a thread has been asked that has not come.
    var awaitedLanes: [Int] = []
    var wakes = 0
    var isOver = false
  }

  /// For how many nanoseconds a thread takes up new jobs before it lets the pool's other work have a turn.
  private static let turn: Int64 = 1_000_000

  /// An executor with nothing to run.
  ///
  /// - Parameters:
  ///   - width: how many threads may run jobs at once.
  ///   - runtime: the runtime's name, for the reports of stalls.
  ///   - stalls: what to do about jobs that keep a thread for long; `nil` for no watchdog.
  ///   - borrowThread: has the pool call its argument once, soon, on one of its threads, outside of any task.
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

  /// How many threads may run jobs at once.
  public var width: Int { lanes.count }

  /// How many jobs wait for a thread.
  public var depth: Int { state.withLock { $0.jobs.count } }

  /// What its threads have done so far, all together.
  public var done: WorkerMetrics {
    var done = WorkerMetrics()
    for lane in lanes {
      done.jobs += lane.counters.jobs
      done.parks += lane.counters.parks
      done.busyTime += lane.counters.busyTime
    }
    done.wakes = state.withLock { $0.wakes }
    return done
  }

  /// Queues `job`, and asks for a thread if there may be one more. From any thread.
  public func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    TaskWatch.willQueue(job)
    let (freeLane, isOver) = state.withLock { state -> (Int?, Bool) in
      if state.isOver { return (nil, true) }
      state.jobs.append(job)
      guard let lane = state.freeLanes.popLast() else { return (nil, false) }
      state.awaitedLanes.append(lane)
      state.wakes += 1
      return (lane, false)
    }
    if isOver { return exile(job) }
    guard let freeLane else { return }
    // A thread that the pool has not got is missed as much as one that blocks.
    lanes[freeLane].enter()
    borrowThread(drain)
  }

  /// Ends the watchdog, as the last step of a shutdown. It blocks the calling thread until that has ended; a relief worker
  /// that is still in a job at `deadline`, in nanoseconds of `MonotonicTime`, is left alone.
  ///
  /// Jobs that wait, and those that still come, are run on Swift's own pool: the threads that this executor may have could
  /// all be in jobs that go on for ever, and no relief worker comes any more.
  public func stop(deadline: Int64) {
    var rest = state.withLock { state in
      state.isOver = true
      return exchange(&state.jobs, with: Ring())
    }
    while let job = rest.popFirst() { exile(job) }
    watchdog?.stop(deadline: deadline)
  }

  private func exile(_ job: UnownedJob) {
    SwiftPool.run { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }

  /// Runs jobs in a lane that has been waiting for a thread. It captures nothing else, so that asking for a thread needs no
  /// memory.
  @Sendable private func drain() {
    var lane: Int?
    let runner = JobRunner()
    let end = MonotonicTime.now + Self.turn
    repeat {
      let (index, job) = state.withLock { state -> (Int, UnownedJob?) in
        let index = lane ?? state.awaitedLanes.removeLast()
        let job = state.jobs.popFirst()
        if job == nil {
          // Before another thread can have the lane.
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

  /// Does nothing: sockets and timers have threads of their own.
  public func cover(_ lane: Int) {}

  /// Runs jobs that wait on the calling thread, in `lane`.
  public func relieve(in lane: Lane, while isNeeded: () -> Bool) {
    let runner = JobRunner()
    while isNeeded(), let job = state.withLock({ $0.jobs.popFirst() }) {
      lane.counters.hasTaken(job)
      runner.run(job, on: asUnownedTaskExecutor())
    }
  }
}

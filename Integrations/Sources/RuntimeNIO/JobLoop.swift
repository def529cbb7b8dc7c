import NIOCore
import Runtime
import RuntimeKit
import RuntimePrimitives

/// The jobs and the sleeping tasks of one event loop.
///
/// An event loop runs all submitted tasks, and the tasks that these submit in turn, before it polls its sockets again.
/// Therefore jobs wait in a separate queue. The loop runs it for one turn at a time, and polls its sockets between
/// turns.
final class JobLoop: Sendable {
  let eventLoop: any EventLoop
  private let state: Lock<State>
  private let pollTrigger: PollTrigger
  /// The tasks that sleep until the loop wakes them.
  let sleeps: SleepQueue

  private struct State {
    var jobs = Ring<UnownedJob>()
    /// Whether the loop has been asked to run jobs and has not found the queue empty since.
    var isScheduled = false
    /// The executor of the jobs; `nil` once the runtime has ended, when jobs run on Swift's own pool.
    var executor: LoopExecutor?
    /// The closure submitted to the loop. It is reused, so that submitting needs no memory, and retains this object
    /// until the end.
    var run: @Sendable () -> Void = {}
    var metrics = WorkerMetrics()
  }

  /// How long, in nanoseconds, the loop runs jobs before it polls its sockets.
  private static let turn: Int64 = 1_000_000

  /// Creates a job loop.
  ///
  /// - Throws: the system's error if a descriptor cannot be created.
  init(_ eventLoop: any EventLoop, _ executor: LoopExecutor) throws(IOError) {
    pollTrigger = try PollTrigger(eventLoop)
    self.eventLoop = eventLoop
    state = Lock(State(executor: executor))
    let timer = LoopTimer(eventLoop)
    sleeps = SleepQueue { queue in eventLoop.execute { timer.fire(queue) } }
    state.withLock { $0.run = { self.run() } }
  }

  /// The number of waiting jobs.
  var depth: Int { state.withLock { $0.jobs.count } }

  /// The metrics of the loop.
  var metrics: WorkerMetrics { state.withLock { $0.metrics } }

  /// Queues `job`. It may be called from any thread.
  ///
  /// - Returns: whether the job will be run; `false` if the runtime has ended.
  func enqueue(_ job: UnownedJob, isOnLoop: Bool) -> Bool {
    state.withLock { state in
      if state.executor == nil { return false }
      state.jobs.append(job)
      if !state.isScheduled {
        state.isScheduled = true
        if !isOnLoop { state.metrics.wakes += 1 }
        // Under the lock, so that nothing is submitted to a loop that has ended.
        eventLoop.execute(state.run)
      }
      return true
    }
  }

  /// Runs jobs for one turn. Must be called on the loop.
  private func run() {
    guard let executor = state.withLock(\.executor) else { return }
    let runner = JobRunner()
    var (count, end) = (0, Int64.max)
    while let job = nextJob() {
      runner.run(job, on: executor.asUnownedTaskExecutor())
      count += 1
      // A single job does not need the clock.
      if count == 1 { continue }
      let now = MonotonicTime.now
      if count == 2 { end = now + Self.turn }
      if now >= end { return resumeAfterPolling() }
    }
  }

  private func nextJob() -> UnownedJob? {
    state.withLock { state in
      guard let job = state.jobs.popFirst() else {
        state.isScheduled = false
        state.metrics.parks += 1
        return nil
      }
      state.metrics.jobs += 1
      return job
    }
  }

  /// Makes the loop run the remaining jobs after it has polled its sockets.
  private func resumeAfterPolling() {
    state.withLock { state in
      if state.executor != nil { pollTrigger.callAfterPolling(state.run) }
    }
  }

  /// Stops accepting jobs. Called once.
  ///
  /// - Returns: the waiting jobs.
  func stop() -> Ring<UnownedJob> {
    state.withLock { state in
      state.executor = nil
      state.run = {}
      pollTrigger.close()
      return exchange(&state.jobs, with: Ring())
    }
  }
}

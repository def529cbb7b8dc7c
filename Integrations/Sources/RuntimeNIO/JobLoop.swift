import NIOCore
import Runtime
import RuntimeKit
import RuntimePrimitives

/// The jobs and the sleeping tasks of one event loop.
///
/// A loop runs all that is handed to it before it looks at its sockets again, and what that hands to it in turn. So jobs
/// wait in a ring of our own, of which the loop is given a turn at a time, and between two turns it looks round.
final class JobLoop: Sendable {
  let eventLoop: any EventLoop
  private let state: Lock<State>
  private let bell: LoopBell
  /// The tasks that sleep until the loop wakes them.
  let sleeps: SleepQueue

  private struct State {
    var jobs = Ring<UnownedJob>()
    /// Whether the loop has been asked to run jobs and has not found the ring empty since.
    var isScheduled = false
    /// What the jobs' tasks prefer; `nil` once the runtime has ended, when jobs run on Swift's own pool.
    var executor: LoopExecutor?
    /// What the loop is handed: always the same, so that it takes no memory. It holds this object until the end.
    var run: @Sendable () -> Void = {}
    var done = WorkerMetrics()
  }

  /// For how many nanoseconds the loop runs jobs before it looks round.
  private static let turn: Int64 = 1_000_000

  /// - Throws: what the system says if it has no descriptor to give.
  init(_ eventLoop: any EventLoop, _ executor: LoopExecutor) throws(IOError) {
    bell = try LoopBell(eventLoop)
    self.eventLoop = eventLoop
    state = Lock(State(executor: executor))
    let alarm = LoopAlarm(eventLoop)
    sleeps = SleepQueue { queue in eventLoop.execute { alarm.fire(queue) } }
    state.withLock { $0.run = { self.run() } }
  }

  /// How many jobs wait.
  var depth: Int { state.withLock { $0.jobs.count } }

  /// What the loop has done so far.
  var done: WorkerMetrics { state.withLock { $0.done } }

  /// Queues `job`. From any thread.
  ///
  /// - Returns: whether it will be run; it will not if the runtime has ended.
  func enqueue(_ job: UnownedJob, isOnLoop: Bool) -> Bool {
    state.withLock { state in
      if state.executor == nil { return false }
      state.jobs.append(job)
      if !state.isScheduled {
        state.isScheduled = true
        if !isOnLoop { state.done.wakes += 1 }
        // Under the lock, so that nothing is handed to a loop that has ended.
        eventLoop.execute(state.run)
      }
      return true
    }
  }

  /// Runs jobs for a turn. On the loop.
  private func run() {
    guard let executor = state.withLock(\.executor) else { return }
    let runner = JobRunner()
    var (count, end) = (0, Int64.max)
    while let job = nextJob() {
      runner.run(job, on: executor.asUnownedTaskExecutor())
      count += 1
      // A lone job does not cost a reading of the clock.
      if count == 1 { continue }
      let now = MonotonicTime.now
      if count == 2 { end = now + Self.turn }
      if now >= end { return goOnLater() }
    }
  }

  private func nextJob() -> UnownedJob? {
    state.withLock { state in
      guard let job = state.jobs.popFirst() else {
        state.isScheduled = false
        state.done.parks += 1
        return nil
      }
      state.done.jobs += 1
      return job
    }
  }

  /// Has the loop run the jobs that are left once it has looked at its sockets.
  private func goOnLater() {
    state.withLock { state in
      if state.executor != nil { bell.ring(state.run) }
    }
  }

  /// Takes no more jobs. Called once.
  ///
  /// - Returns: those that wait.
  func end() -> Ring<UnownedJob> {
    state.withLock { state in
      state.executor = nil
      state.run = {}
      bell.close()
      return exchange(&state.jobs, with: Ring())
    }
  }
}

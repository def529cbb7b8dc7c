import Runtime
import RuntimeKit
import RuntimePrimitives

/// A thread that runs jobs, fires timers and polls sockets in turn.
final class EventLoop: TaskExecutor {
  let poller: any Poller
  let sleeps: SleepQueue
  private let thread = WorkerThreads()
  private let state = Lock((jobs: Ring<UnownedJob>(), hasEnded: false))

  init() throws(IOError) {
    let poller = try PollerKind.best.makePoller()
    self.poller = poller
    sleeps = SleepQueue { _ in poller.wake() }
    try thread.start(["event-loop"]) { [self] _ in run() }
  }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let hasEnded = state.withLock { state in
      if !state.hasEnded { state.jobs.append(job) }
      return state.hasEnded
    }
    if hasEnded { return exile(job) }
    // The loop itself checks its jobs before it waits. A call from another thread has to end a wait in progress.
    if thread.currentNumber == nil { poller.wake() }
  }

  private func run() {
    let runner = JobRunner()
    while !state.withLock(\.hasEnded) {
      // A turn runs the jobs that were ready when it began. Jobs that these make ready run after sockets and timers.
      for _ in 0..<state.withLock({ $0.jobs.count }) {
        guard let job = state.withLock({ $0.jobs.popFirst() }) else { break }
        runner.run(job, on: asUnownedTaskExecutor())
      }
      let wakeTime = sleeps.fire()
      let hasJobs = state.withLock { !$0.jobs.isEmpty }
      poller.poll(timeout: hasJobs ? 0 : wakeTime.map { max(0, $0 - MonotonicTime.now) })
    }
    poller.close()
  }

  /// Ends the thread, unless it is still in a job at `deadline`. Remaining and later jobs run on Swift's pool.
  func stop(deadline: Int64) {
    var rest = state.withLock { state in
      state.hasEnded = true
      return exchange(&state.jobs, with: Ring())
    }
    while let job = rest.popFirst() { exile(job) }
    poller.wake()
    _ = thread.join(until: deadline)
  }

  private func exile(_ job: UnownedJob) {
    SwiftPool.run { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

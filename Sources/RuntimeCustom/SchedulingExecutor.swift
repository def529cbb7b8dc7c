import Runtime

// What the toolchain lets an executor know and do, but has not made public yet. Without it `Task.sleep` goes by Dispatch's
// timers and a yield is taken for any other job: right, but slower and less fair.

#if compiler(>=6.3) && os(Linux)
  @_spi(ExperimentalScheduling) @_spi(ExperimentalCustomExecutors) import _Concurrency

  extension Scheduler: SchedulingExecutor {
    func enqueue<C: Clock>(
      _ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C
    ) {
      guard let delay = delay as? Duration else { preconditionFailure("\(C.self) does not count time in Duration") }
      let sleeps = (currentWorker ?? someWorker).sleeps
      sleeps.enqueue(UnownedJob(job), on: self, at: deadline(delay.nanoseconds))
    }

    func enqueue<C: Clock>(
      _ job: consuming ExecutorJob, at instant: C.Instant, tolerance: C.Duration?, clock: C
    ) {
      enqueue(job, after: clock.now.duration(to: instant), tolerance: tolerance, clock: clock)
    }
  }

  extension ExecutorJob {
    /// Whether it is no task's, as when a task yields, and goes behind those that wait.
    var givesTurn: Bool { kind != .task }
  }
#else
  extension ExecutorJob {
    var givesTurn: Bool { false }
  }
#endif

import Runtime
import RuntimeKit
import RuntimePrimitives

// The toolchain supports this but has not made it public yet. Without it, `Task.sleep` uses Dispatch's timers, which is
// correct but slower.

#if compiler(>=6.3) && os(Linux)
  @_spi(ExperimentalScheduling) import _Concurrency

  extension Scheduler: SchedulingExecutor {
    func enqueue<C: Clock>(
      _ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C
    ) {
      guard let delay = delay as? Duration else { preconditionFailure("\(C.self) does not measure time in Duration") }
      let sleeps = (currentWorker ?? someWorker).sleeps
      sleeps.run(UnownedJob(job), at: MonotonicTime.deadline(after: delay))
    }

    func enqueue<C: Clock>(
      _ job: consuming ExecutorJob, at instant: C.Instant, tolerance: C.Duration?, clock: C
    ) {
      enqueue(job, after: clock.now.duration(to: instant), tolerance: tolerance, clock: clock)
    }
  }
#endif

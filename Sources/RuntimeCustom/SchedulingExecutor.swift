import Runtime
import RuntimeKit
import RuntimePrimitives

// What the toolchain lets an executor do, but has not made public yet. Without it `Task.sleep` goes by Dispatch's
// timers: right, but slower.

#if compiler(>=6.3) && os(Linux)
  @_spi(ExperimentalScheduling) import _Concurrency

  extension Scheduler: SchedulingExecutor {
    func enqueue<C: Clock>(
      _ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C
    ) {
      guard let delay = delay as? Duration else { preconditionFailure("\(C.self) does not count time in Duration") }
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

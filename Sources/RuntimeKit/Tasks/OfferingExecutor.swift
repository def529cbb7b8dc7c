import CRuntime
import RuntimePrimitives

// The toolchain supports this but has not made it public yet. Without it, `Task.yield` and `Task.sleep` of tasks
// without an executor preference pass through a thread of Swift's pool, which is correct but slower.

#if compiler(>=6.3) && os(Linux)
  @_spi(ExperimentalCustomExecutors) @_spi(ExperimentalScheduling) import _Concurrency

  /// A replacement for Swift's default executor. It offers each job to the runtimes, and passes it on if none takes it.
  ///
  /// `Task.yield` and `Task.sleep` enqueue their jobs on the default executor directly, bypassing the hook for all
  /// other jobs.
  ///
  /// No method may use `self`. Swift stores the executor as two words, an object and its witness table, and reads them
  /// without a lock. A thread that reads them during the replacement may see one word of each executor. That is
  /// harmless here, because the default executor of Swift 6.3 does not use `self` either.
  final class OfferingExecutor: TaskExecutor {
    private static let shared = OfferingExecutor()
    /// Swift's own executor. Swift creates it on first access, which must not happen later.
    private static let original = Task.defaultExecutor
    private static let originalScheduler = original as? any SchedulingExecutor
    private static let installOnce: Void = {
      // A program may have installed an executor of its own that cannot schedule, unlike this one.
      if originalScheduler != nil { _createExecutors(factory: Factory.self) }
    }()

    private struct Factory: ExecutorFactory {
      /// The main executor, unchanged.
      static var mainExecutor: any MainExecutor { MainActor.executor }
      static var defaultExecutor: any TaskExecutor { shared }
    }

    /// Installs the executor for the lifetime of the process.
    static func install() { installOnce }

    func enqueue(_ job: consuming ExecutorJob) {
      let job = UnownedJob(job)
      // A job is a single pointer.
      guard !gearbox_offer_job(unsafeBitCast(job, to: UnsafeMutableRawPointer.self)) else { return }
      Self.original.enqueue(ExecutorJob(job))
    }
  }

  extension OfferingExecutor: SchedulingExecutor {
    func enqueue<C: Clock>(
      _ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C
    ) {
      let job = UnownedJob(job)
      if let delay = delay as? Duration,
        gearbox_offer_sleep(
          unsafeBitCast(job, to: UnsafeMutableRawPointer.self), MonotonicTime.deadline(after: delay))
      {
        return
      }
      guard let original = Self.originalScheduler else { preconditionFailure("the original cannot schedule") }
      original.enqueue(ExecutorJob(job), after: delay, tolerance: tolerance, clock: clock)
    }

    func enqueue<C: Clock>(
      _ job: consuming ExecutorJob, at instant: C.Instant, tolerance: C.Duration?, clock: C
    ) {
      enqueue(job, after: clock.now.duration(to: instant), tolerance: tolerance, clock: clock)
    }
  }
#endif

import CRuntime
import RuntimePrimitives

// What the toolchain lets a process do, but has not made public yet. Without it `Task.yield` and `Task.sleep` of tasks that
// name no executor pass through a thread of Swift's pool: right, but slower.

#if compiler(>=6.3) && os(Linux)
  @_spi(ExperimentalCustomExecutors) @_spi(ExperimentalScheduling) import _Concurrency

  /// Swift's default executor, once it has been put in its place: it offers what it gets, and hands on what is not taken.
  ///
  /// `Task.yield` and `Task.sleep` hand their jobs to the default executor, without asking the hook that all other jobs go
  /// by.
  ///
  /// Nothing in it may use `self`. Swift keeps an object and a table of its functions as two words, and reads them without
  /// a lock. A thread that reads them while they are replaced may find one word of each executor. It gets along with that:
  /// the default executor of Swift 6.3 has no use for itself either.
  final class OfferingExecutor: TaskExecutor {
    private static let shared = OfferingExecutor()
    /// What Swift has made itself. It makes that once, when it is first asked, and must not do so later.
    private static let original = Task.defaultExecutor
    private static let originalScheduler = original as? any SchedulingExecutor
    private static let isInPlace: Void = {
      // A program may have brought its own, which cannot do what this one says that it can.
      if originalScheduler != nil { _createExecutors(factory: Factory.self) }
    }()

    private struct Factory: ExecutorFactory {
      /// The same as before.
      static var mainExecutor: any MainExecutor { MainActor.executor }
      static var defaultExecutor: any TaskExecutor { shared }
    }

    /// Makes it the default executor, for as long as the process lives.
    static func putInPlace() { isInPlace }

    func enqueue(_ job: consuming ExecutorJob) {
      let job = UnownedJob(job)
      // A job is one pointer.
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
      guard let original = Self.originalScheduler else { preconditionFailure("it is not in place without one") }
      original.enqueue(ExecutorJob(job), after: delay, tolerance: tolerance, clock: clock)
    }

    func enqueue<C: Clock>(
      _ job: consuming ExecutorJob, at instant: C.Instant, tolerance: C.Duration?, clock: C
    ) {
      enqueue(job, after: clock.now.duration(to: instant), tolerance: tolerance, clock: clock)
    }
  }
#endif

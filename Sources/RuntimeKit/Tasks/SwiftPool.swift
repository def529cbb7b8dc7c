import CRuntime

/// Swift's own thread pool, which runs tasks without an executor of their own.
public enum SwiftPool {
  /// Runs `work` soon on a thread of the pool, outside any task.
  ///
  /// If `work` runs jobs, it must be outside a task: a job that runs inside a task would be attributed to that task.
  /// Therefore `Task.detached` is not suitable. Despite the name of the function that it calls, Swift 6.3 offers no
  /// other public way to create a job without a task.
  public static func run(_ work: @escaping @Sendable () -> Void) {
    globalConcurrentExecutor.enqueue(_swift_createJobForTestingOnly(work))
  }

  /// Enqueues `job` on the pool, as Swift does with a job without an executor preference.
  @_spi(Experimental)
  public static func enqueue(_ job: UnownedJob) {
    globalConcurrentExecutor.enqueue(ExecutorJob(job))
  }

  /// The executor that the pool runs jobs on: no serial executor and no task executor. In Swift 6.3 it is two null
  /// words. If that changes, a test that sleeps while the pool is blocked fails.
  ///
  /// Another thread that runs a job of the pool must run it on this executor. With any other, the job's task is
  /// enqueued on the pool again at each call of an async function.
  @_spi(Experimental)
  public static let executor = unsafe unsafeBitCast((0, 0), to: UnownedSerialExecutor.self)

  /// A function that may take a job intended for the pool. It receives the job's address and returns whether it has
  /// taken the job. Any thread may call it at any point.
  @_spi(Experimental)
  public typealias JobTaker = @convention(c) (_ job: UnsafeMutableRawPointer) -> Bool

  /// Like ``JobTaker``, for a job to run at `deadline`, in nanoseconds of `MonotonicTime`.
  @_spi(Experimental)
  public typealias SleepTaker = @convention(c) (_ job: UnsafeMutableRawPointer, _ deadline: Int64) -> Bool

  /// Makes Swift offer each job intended for the pool to a taker first: to `sleeps` if the job ends a sleep, otherwise
  /// to `jobs`. With `nil` the jobs go to the pool. Concurrent calls are not allowed.
  ///
  /// The takers are global to the process, and the last call determines them. A thread in the middle of an enqueue may
  /// still call the earlier ones.
  ///
  /// - Returns: whether the toolchain's library supports this.
  @_spi(Experimental)
  public static func offerJobs(to jobs: JobTaker?, sleeps: SleepTaker?) -> Bool {
    guard gearbox_set_takers(jobs, sleeps) else { return false }
    #if compiler(>=6.3) && os(Linux)
      OfferingExecutor.install()
    #endif
    return true
  }
}

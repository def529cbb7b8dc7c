import CRuntime

/// Swift's own pool of threads, the one that runs tasks without an executor of their own.
public enum SwiftPool {
  /// Runs `work` soon on a thread of the pool, outside of any task.
  ///
  /// It must be outside of a task where `work` runs jobs: a job that is run inside a task would be taken for that task's.
  /// So `Task.detached` will not do. Whatever its name says, Swift 6.3 has no other public way to a job without a task.
  public static func run(_ work: @escaping @Sendable () -> Void) {
    globalConcurrentExecutor.enqueue(_swift_createJobForTestingOnly(work))
  }

  /// Enqueues `job` on the pool, as Swift does with a job that names no executor.
  @_spi(Experimental)
  public static func enqueue(_ job: UnownedJob) {
    globalConcurrentExecutor.enqueue(ExecutorJob(job))
  }

  /// What the pool runs jobs on: no serial executor, and no task executor. Two null words in Swift 6.3, and a test that
  /// sleeps while the pool is blocked finds out if that changes.
  ///
  /// Another thread that runs a job of the pool's has to run it on this. Run on anything else, the job's task is enqueued on
  /// the pool again at each call of an async function.
  @_spi(Experimental)
  public static let executor = unsafe unsafeBitCast((0, 0), to: UnownedSerialExecutor.self)

  /// Takes a job that is meant for the pool, or leaves it there. It is given the job's address, and returns whether it has
  /// taken the job. Any thread may call it, in the middle of anything.
  @_spi(Experimental)
  public typealias JobTaker = @convention(c) (_ job: UnsafeMutableRawPointer) -> Bool

  /// The same for a job that is to run at `deadline`, in nanoseconds of `MonotonicTime`.
  @_spi(Experimental)
  public typealias SleepTaker = @convention(c) (_ job: UnsafeMutableRawPointer, _ deadline: Int64) -> Bool

  /// Has each job that is meant for the pool offered first: to `jobs`, or to `sleeps` if it is what ends a sleep. With `nil`
  /// they go to the pool. One call at a time.
  ///
  /// There are two takers in a process, and the last call says which. A thread that is in the middle of it may call the
  /// earlier ones still.
  ///
  /// - Returns: whether this toolchain's library can do it.
  @_spi(Experimental)
  public static func offerJobs(to jobs: JobTaker?, sleeps: SleepTaker?) -> Bool {
    guard gearbox_set_takers(jobs, sleeps) else { return false }
    #if compiler(>=6.3) && os(Linux)
      OfferingExecutor.putInPlace()
    #endif
    return true
  }
}

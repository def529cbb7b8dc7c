import CRuntime

/// Runs the jobs of an executor on the calling thread, and resumes tasks that yield.
///
/// A thread with a job loop creates one, and calls ``run(_:on:)`` in place of `runSynchronously(on:)`:
///
/// ```swift
/// let runner = JobRunner()
/// while let job = nextJob() { runner.run(job, on: asUnownedTaskExecutor()) }
/// ```
///
/// When a task calls `Executor.yield()` in such a job, it is made ready once the job has ended, which takes one job.
/// Without a runner that function behaves like `Task.yield()`, which takes two. A runner must not leave the thread on
/// which it was created.
public struct JobRunner: ~Copyable {
  private let running: UnsafeMutablePointer<gearbox_running_job>

  /// Creates a runner for the calling thread.
  public init() {
    running = gearbox_job_of_thread()
  }

  /// Runs `job`, once, on `executor`, the preferred executor of its task. If the task has yielded, makes it ready
  /// again.
  public func run(_ job: UnownedJob, on executor: UnownedTaskExecutor) {
    // A job may run jobs of another executor before it ends.
    let outer = running.pointee.job
    // A job is a single pointer.
    running.pointee.job = unsafeBitCast(job, to: UInt.self)
    unsafe job.runSynchronously(on: executor)
    running.pointee.job = outer
    guard let yielded = running.pointee.yielded else { return }
    running.pointee.yielded = nil
    // `Task.yieldByItsLoop` stored this continuation. The task has suspended since, because its job has ended.
    unsafeBitCast(yielded, to: UnsafeContinuation<Void, Never>.self).resume()
  }
}

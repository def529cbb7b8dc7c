import CRuntime

/// Runs the jobs of an executor on the calling thread, and sees to tasks that yield.
///
/// A thread that runs jobs in a loop makes one, and calls ``run(_:on:)`` where it would call `runSynchronously(on:)`:
///
/// ```swift
/// let runner = JobRunner()
/// while let job = nextJob() { runner.run(job, on: asUnownedTaskExecutor()) }
/// ```
///
/// A task that calls `Executor.yield()` in such a job is made ready when the job has ended, which takes one job. Without it,
/// that function does what `Task.yield()` does, which takes two. It must not leave the thread on which it was made.
public struct JobRunner: ~Copyable {
  private let running: UnsafeMutablePointer<gearbox_running_job>

  /// One for the calling thread.
  public init() {
    running = gearbox_job_of_thread()
  }

  /// Runs `job`, once, as one of the executor that its task prefers. Then, if its task has yielded, makes that ready again.
  public func run(_ job: UnownedJob, on executor: UnownedTaskExecutor) {
    // A job may run the jobs of another executor while it goes on.
    let outer = running.pointee.job
    // A job is one pointer.
    running.pointee.job = unsafeBitCast(job, to: UInt.self)
    unsafe job.runSynchronously(on: executor)
    running.pointee.job = outer
    guard let yielded = running.pointee.yielded else { return }
    running.pointee.yielded = nil
    // What `Task.yieldByItsLoop` has left there. It has suspended since, as its job has ended.
    unsafeBitCast(yielded, to: UnsafeContinuation<Void, Never>.self).resume()
  }
}

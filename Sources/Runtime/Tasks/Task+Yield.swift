import CRuntime
import RuntimePrimitives

extension Task where Success == Never, Failure == Never {
  /// Lets other ready tasks run, like `Task.yield()`, but at a lower cost if the executor runs its jobs with
  /// `RuntimeKit`'s `JobRunner`.
  ///
  /// `Task.yield()` enqueues a separate job that makes the task ready when it runs. Here the loop that runs the task
  /// makes it ready as soon as its job has ended. Cancellation has no effect.
  @usableFromInline
  package static func yieldByItsLoop() async {
    // A loop only takes care of the task of its own job. It cannot do so while the job runs a nested loop to which the
    // calling task belongs, or an actor that runs jobs of several tasks.
    guard gearbox_may_yield() else { return await Task.yield() }
    await suspendTask { (continuation: UnsafeContinuation<Void, Never>) in
      // A continuation is a single pointer.
      gearbox_yield(unsafeBitCast(continuation, to: UnsafeMutableRawPointer.self))
    }
  }
}

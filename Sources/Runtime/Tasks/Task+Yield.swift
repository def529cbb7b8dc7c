import CRuntime
import RuntimePrimitives

extension Task where Success == Never, Failure == Never {
  /// Lets other tasks run that are ready, as `Task.yield()` does, and for less where the executor has its jobs run by
  /// `RuntimeKit`'s `JobRunner`.
  ///
  /// `Task.yield()` makes a job of no task's, which makes the task ready when it is run. Here the task is made ready by the
  /// loop that runs it, as soon as its job has ended. Cancelling has no effect.
  @usableFromInline
  package static func yieldByItsLoop() async {
    // A loop sees to the task of its own job alone: while a job runs another loop, whose jobs these are, or an actor that
    // runs the jobs of several tasks, it does not come to its end.
    guard gearbox_may_yield() else { return await Task.yield() }
    await suspendTask { (continuation: UnsafeContinuation<Void, Never>) in
      // A continuation is one pointer.
      gearbox_yield(unsafeBitCast(continuation, to: UnsafeMutableRawPointer.self))
    }
  }
}

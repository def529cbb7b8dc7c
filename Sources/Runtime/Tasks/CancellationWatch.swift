import CRuntime

/// A cancellation handler of the current task, from its creation to ``end()``.
///
/// It does what `withTaskCancellationHandler` does without the frames of that function and its operation. With these, an
/// idle connection and a sleeping task would need more than the kilobyte that Swift first gives a task.
///
/// The handler may run on any thread. It has ended when ``end()`` returns.
package struct CancellationWatch: ~Copyable {
  private let watch: UnsafeMutableRawPointer

  /// Makes cancellation of the current task call `handler` with `object`; calls it here if the task has been cancelled.
  ///
  /// - Parameter object: The caller keeps it alive until ``end()``.
  package init(_ object: AnyObject, _ handler: @convention(c) (UnsafeMutableRawPointer) -> Void) {
    watch = gearbox_watch_cancellation(handler, Unmanaged.passUnretained(object).toOpaque())
  }

  /// Removes the handler. Waits for it if it is running. Only the same task may call this.
  package consuming func end() { gearbox_unwatch_cancellation(watch) }
}

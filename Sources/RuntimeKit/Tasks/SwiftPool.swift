/// Swift's own pool of threads, the one that runs tasks without an executor of their own.
public enum SwiftPool {
  /// Runs `work` soon on a thread of the pool, outside of any task.
  ///
  /// It must be outside of a task where `work` runs jobs: a job that is run inside a task would be taken for that task's.
  /// So `Task.detached` will not do. Whatever its name says, Swift 6.3 has no other public way to a job without a task.
  public static func run(_ work: @escaping @Sendable () -> Void) {
    globalConcurrentExecutor.enqueue(_swift_createJobForTestingOnly(work))
  }
}

/// Metrics of a runtime at one moment, collected without stopping it.
public struct RuntimeMetrics: Hashable, Sendable {
  /// The number of tasks started through `execute` or `spawn` that have not ended.
  public var tasks = 0
  /// The number of tasks that sleep on the runtime's clock, and of those in `Task.sleep` where that uses the runtime's
  /// timers.
  public var sleepingTasks = 0
  /// The number of ready jobs in each queue: first the shared queue, then one entry per worker.
  public var queueDepths: [Int] = []
  /// What each worker has done so far. If the workers are threads of a foreign pool, there is one entry for all of them
  /// together, and none for Swift's pool without a limit.
  public var workers: [WorkerMetrics] = []
  /// The number of threads that run blocking work or wait for it.
  public var blockingThreads = 0
  /// The number of calls of `runBlocking` that wait for a thread.
  public var blockingQueueDepth = 0
  /// The number of calls of `runBlocking` refused so far because of ``BlockingLimits``.
  public var refusedBlockingCalls = 0
  /// The number of times that a worker has been in one job for longer than ``StallOptions/threshold``.
  public var stalls = 0
  /// The duration of the longest of these stalls, including those still in progress.
  public var longestStall: Duration = .zero
  /// The number of threads that run jobs now because every worker is stuck in one.
  public var reliefWorkers = 0
  /// The number of times that such a thread has been activated.
  public var reliefs = 0

  /// Creates metrics of an idle runtime.
  public init() {}
}

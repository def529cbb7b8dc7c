/// What a runtime is doing: figures of one moment, taken without stopping it.
public struct RuntimeMetrics: Hashable, Sendable {
  /// Tasks started through `execute` or `spawn` that have not ended.
  public var tasks = 0
  /// Tasks that sleep on the runtime's clock, and those in `Task.sleep` where that uses the runtime's timers.
  public var sleepingTasks = 0
  /// Jobs ready to run that no worker has taken up: those waiting in the shared queue first, then a figure a worker.
  public var queueDepths: [Int] = []
  /// What each worker has done so far. Where workers are threads of a pool that is not the runtime's own there is one
  /// entry for all of them together, and none where the pool is Swift's, unbounded.
  public var workers: [WorkerMetrics] = []
  /// Threads that run, or wait for, blocking work.
  public var blockingThreads = 0
  /// Blocking work that waits for a thread.
  public var blockingQueueDepth = 0
  /// Calls of `runBlocking` refused so far because of the runtime's ``BlockingLimits``.
  public var refusedBlockingCalls = 0
  /// How often a worker has been in one job for longer than ``StallOptions/threshold``.
  public var stalls = 0
  /// How long the longest of these stalls took, those that go on included.
  public var longestStall: Duration = .zero
  /// Threads that run jobs just now because every worker is stuck in one.
  public var reliefWorkers = 0
  /// How often such a thread has come.
  public var reliefs = 0

  /// Nothing going on.
  public init() {}
}

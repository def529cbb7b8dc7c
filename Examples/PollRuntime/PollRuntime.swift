public import Runtime
import Synchronization

/// A runtime in one thread, which runs tasks, fires timers and watches sockets with poll(2). It is written to be read.
public struct PollRuntime: AsyncRuntime {
  public let name = "poll"
  public let workerCount = 1
  private let loop: RunLoop

  /// - Throws: the system's error if there is no descriptor or thread left.
  public init() throws(IOError) { loop = try RunLoop() }

  public var taskExecutor: (any TaskExecutor)? { loop }
  public var clock: PollClock { PollClock(loop: loop) }

  @discardableResult
  public func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    let task = loop.startTask()
    return ExecutorPreference(loop).spawn(options) {
      defer { task.loop.endTask(task) }
      return try await RunLoopTask.$current.withValue(task, operation: operation)
    }
  }

  public func listen(on address: SocketAddress, options: ListenOptions) async throws(IOError) -> PollListener {
    try PollListener(address, options, on: loop)
  }

  public func listen(
    onInherited socket: InheritedSocket, options: ListenOptions
  ) async throws(IOError) -> PollListener {
    try PollListener(inherited: socket, options, on: loop)
  }

  public func connect(to address: SocketAddress, options: ConnectOptions) async throws(IOError) -> PollStream {
    try await PollStream(to: address, options, on: loop)
  }

  public func bindDatagrams(
    on address: SocketAddress, options: DatagramOptions
  ) async throws(IOError) -> PollDatagrams {
    try PollDatagrams(address, options, on: loop)
  }

  public func runBlocking<Success: Sendable>(
    _ work: sending @escaping () throws -> Success
  ) async throws -> Success {
    try await loop.runBlocking(work)
  }

  public var metrics: RuntimeMetrics {
    loop.state.withLock { state in
      var metrics = RuntimeMetrics()
      metrics.tasks = state.ending.tasks.count
      metrics.queueDepths = [state.jobs.count]
      metrics.workers = [state.metrics]
      metrics.blockingThreads = state.blocking.threads
      metrics.blockingQueueDepth = state.blocking.queue.count
      metrics.refusedBlockingCalls = state.blocking.refused
      return metrics
    }
  }

  public func shutdown(grace: Duration) async { await loop.shutdown(grace: grace) }
}

import Dispatch
public import Runtime
import RuntimePrimitives

/// What every backend on sockets does alike: its network, its blocking work, the tasks on it, and its end.
///
/// A backend has one; ``SocketRuntime`` is `AsyncRuntime` with what is done here. What is left to the backend is where
/// jobs run (a `TaskExecutor`), and which thread calls its ``Poller`` and its ``SleepQueue``.
public final class RuntimeServices: Sendable {
  private let network: SocketNetwork
  @usableFromInline let blocking: BlockingPool
  @usableFromInline let tasks = LiveTasks()
  private let ending = Lock(Ending.notBegun)
  /// The thread that ends the runtime, until a caller of `shutdown` has joined it.
  private let thread = Lock<Thread?>(nil)

  private enum Ending {
    case notBegun
    /// Those that wait for the end.
    case underWay([UnsafeContinuation<Void, Never>])
    case done
  }

  /// - Parameters:
  ///   - clock: what to sleep on where no descriptor tells that it is time to try again.
  ///   - limits: how much blocking work there may be. Its threads are called `gearbox-block`.
  ///   - poller: called for the poller of each new socket.
  public init(
    clock: TimerClock, blocking limits: BlockingLimits = BlockingLimits(), poller: @escaping @Sendable () -> any Poller
  ) {
    network = SocketNetwork(poller: poller, clock: clock)
    blocking = BlockingPool(threadName: "gearbox-block", limits: limits)
  }

  /// Starts `operation` as a task that ``shutdown(grace:endWaits:stop:)`` waits for; see `Executor.spawn`.
  ///
  /// Inlinable, so that the closure around `operation` is compiled for what it returns: a backend's own `spawn` should be
  /// as well.
  ///
  /// - Parameter executor: where the task runs; `nil` is Swift's own pool.
  @inlinable
  public func spawn<Success: Sendable>(
    on executor: (any TaskExecutor)?, _ options: TaskOptions,
    _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    tasks.spawn(on: executor, options, operation)
  }

  /// Listens on `address`; see `Network.listen`.
  public func listen(on address: SocketAddress, options: ListenOptions) throws(IOError) -> SocketListener {
    try network.listen(on: address, options)
  }

  /// Listens on a socket that another process has opened; see `Network.listen`.
  public func listen(onInherited socket: InheritedSocket, options: ListenOptions) throws(IOError) -> SocketListener {
    try network.listen(onInherited: socket, options)
  }

  /// Connects to `address`; see `Network.connect`.
  public func connect(to address: SocketAddress, options: ConnectOptions) async throws(IOError) -> SocketStream {
    try await network.connect(to: address, options)
  }

  /// Makes a stream of a connected socket; see `SocketRuntime.adopt(_:options:)`.
  public func adopt(_ descriptor: Int32, options: ConnectOptions) throws(IOError) -> SocketStream {
    try network.adopt(descriptor, options)
  }

  /// Makes a socket for datagrams to `address`; see `DatagramNetwork.bindDatagrams`.
  public func bindDatagrams(on address: SocketAddress, options: DatagramOptions) throws(IOError) -> SocketDatagrams {
    try network.bindDatagrams(on: address, options)
  }

  /// Runs `work` on a thread that may block; see `AsyncRuntime.runBlocking`.
  @inlinable
  public func runBlocking<Success: Sendable>(
    _ work: sending @escaping () throws -> Success
  ) async throws -> Success {
    try await blocking.run(work)
  }

  /// The figures of the runtime: those of the tasks, the blocking work and the watchdog, and those that it is given.
  ///
  /// - Parameters:
  ///   - queueDepths: as in `RuntimeMetrics.queueDepths`.
  ///   - workers: as in `RuntimeMetrics.workers`.
  ///   - sleeps: where tasks sleep.
  ///   - watchdog: the backend's watchdog, if it has one.
  public func metrics(
    queueDepths: [Int] = [], workers: [WorkerMetrics] = [], sleeps: [SleepQueue] = [], watchdog: Watchdog? = nil
  ) -> RuntimeMetrics {
    var metrics = RuntimeMetrics()
    metrics.tasks = tasks.count
    metrics.sleepingTasks = sleeps.reduce(0) { $0 + $1.count }
    metrics.queueDepths = queueDepths
    metrics.workers = workers
    let (threads, queued, refused) = blocking.load
    metrics.blockingThreads = threads
    metrics.blockingQueueDepth = queued
    metrics.refusedBlockingCalls = refused
    watchdog?.add(to: &metrics)
    return metrics
  }

  /// What the threads in `lanes` do just now, and after them the relief workers that are at work.
  ///
  /// - Parameters:
  ///   - lanes: those of the backend's workers.
  ///   - watchdog: the backend's watchdog, if it has one.
  public func activities(in lanes: [Lane], watchdog: Watchdog?) -> [WorkerActivity] {
    lanes.map(\.activity) + (watchdog?.reliefLanes.all.map(\.activity).filter(\.isBusy) ?? [])
  }

  /// Ends the runtime, once: ends what waits, waits for the tasks and the blocking work until the grace is over, and then
  /// calls `stop`, which ends the backend's own threads. See `AsyncRuntime.shutdown`.
  ///
  /// It needs no thread but one that it starts, and blocks no other: the tasks that call it are suspended.
  ///
  /// - Parameters:
  ///   - grace: how long to wait.
  ///   - endWaits: closes the backend's sockets (``Poller/closeSockets()``) and sleeps (``SleepQueue/close()``).
  ///   - stop: ends the backend's own threads, and leaves alone those that are not done at the deadline that it is given,
  ///     in nanoseconds of `MonotonicTime`.
  public func shutdown(
    grace: Duration, endWaits: @escaping @Sendable () -> Void, stop: @escaping @Sendable (_ deadline: Int64) -> Void
  ) async {
    let deadline = MonotonicTime.deadline(after: max(.zero, grace))
    tasks.excuseCaller()
    await withUnsafeContinuation { continuation in
      let (isFirst, isDone) = ending.withLock { ending in
        switch ending {
        case .notBegun:
          ending = .underWay([continuation])
          return (true, false)
        case .underWay(let callers):
          ending = .underWay(callers + [continuation])
          return (false, false)
        case .done: return (false, true)
        }
      }
      if isDone { return continuation.resume() }
      guard isFirst else { return }
      network.close()
      endWaits()
      startThread { [self] in
        tasks.wait(until: deadline)
        blocking.shutdown(deadline: deadline)
        // A thread that is in no job ends at once, and is waited for though the grace may be over.
        stop(max(deadline, MonotonicTime.deadline(after: .milliseconds(100))))
        let outcome = ending.withLock { exchange(&$0, with: .done) }
        guard case .underWay(let callers) = outcome else { return }
        for caller in callers { caller.resume() }
      }
    }
    // It has nothing more to do. A caller that comes back finds nothing of it.
    thread.withLock { thread in exchange(&thread, with: nil)?.join() }
  }

  private func startThread(_ body: @escaping @Sendable () -> Void) {
    thread.withLock { thread in
      do throws(IOError) {
        thread = try Thread(name: "gearbox-end", body)
      } catch {
        // Where the system has no thread left, Dispatch may have one.
        DispatchQueue.global().async(execute: body)
      }
    }
  }
}

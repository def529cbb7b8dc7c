import Dispatch
public import Runtime
import RuntimePrimitives

/// The parts that all socket-based backends share: network, blocking work, task tracking and shutdown.
///
/// A backend owns one instance; ``SocketRuntime`` implements `AsyncRuntime` with it. The backend itself decides where
/// jobs run (a `TaskExecutor`), and which threads drive its ``Poller`` and its ``SleepQueue``.
public final class RuntimeServices: Sendable {
  private let network: SocketNetwork
  @usableFromInline let blocking: BlockingPool
  @usableFromInline let tasks = LiveTasks()
  private let shutdownState = Lock(ShutdownState.notStarted)
  /// The thread that performs the shutdown, until a caller of `shutdown` has joined it.
  private let thread = Lock<Thread?>(nil)

  private enum ShutdownState {
    case notStarted
    /// The callers of `shutdown` that wait for its end.
    case inProgress([UnsafeContinuation<Void, Never>])
    case finished
  }

  /// Creates the services of a runtime.
  ///
  /// - Parameters:
  ///   - clock: the clock to sleep on before a retry that no descriptor can signal.
  ///   - limits: the limits on blocking work. Its threads are named `gearbox-block`.
  ///   - poller: returns the poller for each new socket.
  public init(
    clock: TimerClock, blocking limits: BlockingLimits = BlockingLimits(), poller: @escaping @Sendable () -> any Poller
  ) {
    network = SocketNetwork(poller: poller, clock: clock)
    blocking = BlockingPool(threadName: "gearbox-block", limits: limits)
  }

  /// Starts `operation` as a task that ``shutdown(grace:endWaits:stop:)`` waits for. See `Executor.spawn`.
  ///
  /// It is inlinable so that the closure around `operation` is specialised for its result. A backend's own `spawn`
  /// should be inlinable too.
  ///
  /// - Parameter executor: the executor of the task; `nil` is Swift's own pool.
  @inlinable
  public func spawn<Success: Sendable>(
    on executor: (any TaskExecutor)?, _ options: TaskOptions,
    _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    tasks.spawn(on: executor, options, operation)
  }

  /// Listens on `address`. See `Network.listen`.
  public func listen(on address: SocketAddress, options: ListenOptions) throws(IOError) -> SocketListener {
    try network.listen(on: address, options)
  }

  /// Listens on a socket that another process has opened. See `Network.listen`.
  public func listen(onInherited socket: InheritedSocket, options: ListenOptions) throws(IOError) -> SocketListener {
    try network.listen(onInherited: socket, options)
  }

  /// Connects to `address`. See `Network.connect`.
  public func connect(to address: SocketAddress, options: ConnectOptions) async throws(IOError) -> SocketStream {
    try await network.connect(to: address, options)
  }

  /// Creates a stream from a connected socket. See `SocketRuntime.adopt(_:options:)`.
  public func adopt(_ descriptor: Int32, options: ConnectOptions) throws(IOError) -> SocketStream {
    try network.adopt(descriptor, options)
  }

  /// Creates a datagram socket bound to `address`. See `DatagramNetwork.bindDatagrams`.
  public func bindDatagrams(on address: SocketAddress, options: DatagramOptions) throws(IOError) -> SocketDatagrams {
    try network.bindDatagrams(on: address, options)
  }

  /// Runs `work` on a thread that may block. See `AsyncRuntime.runBlocking`.
  @inlinable
  public func runBlocking<Success: Sendable>(
    _ work: sending @escaping () throws -> Success
  ) async throws -> Success {
    try await blocking.run(work)
  }

  /// Returns the runtime's metrics: those of tasks, blocking work and the watchdog, together with the given ones.
  ///
  /// - Parameters:
  ///   - queueDepths: see `RuntimeMetrics.queueDepths`.
  ///   - workers: see `RuntimeMetrics.workers`.
  ///   - sleeps: the queues of sleeping tasks.
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

  /// Returns what the threads in `lanes` are doing, followed by the active relief workers.
  ///
  /// - Parameters:
  ///   - lanes: the lanes of the backend's workers.
  ///   - watchdog: the backend's watchdog, if it has one.
  public func activities(in lanes: [Lane], watchdog: Watchdog?) -> [WorkerActivity] {
    lanes.map(\.activity) + (watchdog?.reliefLanes.all.map(\.activity).filter(\.isBusy) ?? [])
  }

  /// Shuts the runtime down, once: it ends waits, waits for tasks and blocking work for the grace period, and then
  /// calls `stop`. See `AsyncRuntime.shutdown`.
  ///
  /// It runs on a thread that it starts and blocks no other thread: the calling tasks are suspended.
  ///
  /// - Parameters:
  ///   - grace: how long to wait.
  ///   - endWaits: closes the backend's sockets (``Poller/closeSockets()``) and sleeps (``SleepQueue/close()``).
  ///   - stop: ends the backend's own threads. It abandons those that are still busy at the deadline, in nanoseconds of
  ///     `MonotonicTime`.
  public func shutdown(
    grace: Duration, endWaits: @escaping @Sendable () -> Void, stop: @escaping @Sendable (_ deadline: Int64) -> Void
  ) async {
    let deadline = MonotonicTime.deadline(after: max(.zero, grace))
    tasks.exemptCaller()
    await withUnsafeContinuation { continuation in
      let (isFirst, isFinished) = shutdownState.withLock { state in
        switch state {
        case .notStarted:
          state = .inProgress([continuation])
          return (true, false)
        case .inProgress(let callers):
          state = .inProgress(callers + [continuation])
          return (false, false)
        case .finished: return (false, true)
        }
      }
      if isFinished { return continuation.resume() }
      guard isFirst else { return }
      network.close()
      endWaits()
      startThread { [self] in
        tasks.wait(until: deadline)
        blocking.shutdown(deadline: deadline)
        // An idle thread ends at once, and is waited for even if the grace period is over.
        stop(max(deadline, MonotonicTime.deadline(after: .milliseconds(100))))
        let outcome = shutdownState.withLock { exchange(&$0, with: .finished) }
        guard case .inProgress(let callers) = outcome else { return }
        for caller in callers { caller.resume() }
      }
    }
    // The thread has finished. A caller that returns finds no trace of it.
    thread.withLock { thread in exchange(&thread, with: nil)?.join() }
  }

  private func startThread(_ body: @escaping @Sendable () -> Void) {
    thread.withLock { thread in
      do throws(IOError) {
        thread = try Thread(name: "gearbox-end", body)
      } catch {
        // If the system cannot create a thread, Dispatch may still have one.
        DispatchQueue.global().async(execute: body)
      }
    }
  }
}

/// All that a server needs of the ground it stands on: an executor, a clock, a network, blocking work, and an end.
///
/// Write against the smallest part that will do: something that only starts tasks asks for an ``Executor``, something
/// that only sleeps for a `Clock`. A program that picks its runtime at start-up is generic over `AsyncRuntime`.
///
/// A runtime counts the tasks that ``Executor/spawn(_:_:)`` starts, because ``shutdown(grace:)`` waits for them. The library's
/// runtimes ignore the priority of a task, except for Swift's pool where no number of workers is given.
public protocol AsyncRuntime: Executor {
  /// The runtime's clock: Swift's own `Clock` is what hyper calls a timer.
  associatedtype RuntimeClock: Clock<Duration>
  /// What ``listen(on:options:)`` gives; its `Stream` is what ``connect(to:options:)`` gives.
  associatedtype Listener: StreamListener

  /// A short name for people: `dispatch`, `custom`, ...
  var name: String { get }

  /// How many threads run tasks. Threads that run blocking work or wait for the kernel do not count, nor do relief workers
  /// (``StallOptions``), which come while all others are stuck. A worker that is stuck in a job, where others are free,
  /// delays no sleep, no connection and no task but its own.
  var workerCount: Int { get }

  /// The clock to sleep on. A sleep is never early, costs no thread, and ends promptly when its task is cancelled. A sleep
  /// whose time has come already (of no time, of less, or of a nanosecond) lets other tasks have their turn.
  var clock: RuntimeClock { get }

  /// Listens for connections on `address`; port 0 lets the system choose one.
  func listen(on address: SocketAddress, options: ListenOptions) throws(IOError) -> Listener

  /// Connects to a listener at `address`. Cancelling the task ends the attempt.
  func connect(to address: SocketAddress, options: ConnectOptions) async throws(IOError) -> Listener.Stream

  /// Runs `work`, which may block, on a thread made for that, and gives what it returns or throws.
  ///
  /// Threads are made on demand up to a limit, past which work waits its turn. What waits has a limit too, past which
  /// the call throws ``BlockingWorkRefused`` at once (see ``BlockingLimits``, also for work that waits for other blocking
  /// work). Cancelling the task that waits ends the wait with `CancellationError`: work that has not begun is dropped,
  /// work that has is left to finish unheard. Where there is no thread at all to be had, it throws ``IOError``.
  func runBlocking<Success: Sendable>(
    _ work: sending @escaping () throws -> Success
  ) async throws -> Success

  /// What the runtime is doing just now.
  var metrics: RuntimeMetrics { get }

  /// Ends the runtime: closes its listeners and streams, ends its sleeps with `CancellationError`, lets the tasks and the
  /// blocking work that were started on it run to their end for as long as `grace`, and leaves no thread or descriptor
  /// behind.
  ///
  /// What waits on the runtime afterwards fails at once with ``IOError/Reason/closed`` or `CancellationError`. A task
  /// that is still not done then (because it waits for something foreign) finishes on Swift's global pool, and work that
  /// still blocks keeps its thread until it returns, since a thread cannot be stopped. May be called from anywhere, more
  /// than once; the runtime's own task that calls it is not waited for. A runtime that nobody shuts down keeps its
  /// threads until the process ends.
  func shutdown(grace: Duration) async
}

extension AsyncRuntime {
  /// Listens for connections on `address` with the usual options.
  public func listen(on address: SocketAddress) throws(IOError) -> Listener {
    try listen(on: address, options: ListenOptions())
  }

  /// Connects to a listener at `address` with the usual options.
  public func connect(to address: SocketAddress) async throws(IOError) -> Listener.Stream {
    try await connect(to: address, options: ConnectOptions())
  }

  /// Ends the runtime, giving its tasks five seconds to finish.
  public func shutdown() async {
    await shutdown(grace: .seconds(5))
  }
}

/// How to listen.
public struct ListenOptions: Sendable {
  /// How many connections the kernel keeps that nobody has accepted yet; the kernel may have a lower bound of its own.
  public var backlog: Int32 = 4096
  /// Binds to a port whose earlier connections have not all timed out (`SO_REUSEADDR`), or to a path on which a server
  /// that is gone has left its socket. No other file and no socket that a process listens on is ever replaced. Of several
  /// that listen on such a path at once one succeeds, and the others are refused with `EADDRINUSE`.
  public var reuseAddress = true
  /// Lets several listeners share one port, the kernel dealing connections out among them (`SO_REUSEPORT`).
  public var reusePort = false
  /// Sends what is written to accepted connections at once (`TCP_NODELAY`).
  public var noDelay = true
  /// Called with the system's error when a connection cannot be accepted because there is no descriptor or no memory for
  /// it (`EMFILE`, `ENFILE`, `ENOBUFS`, `ENOMEM`).
  ///
  /// The connection stays in the backlog and ``StreamListener/accept()`` tries again, so that there is a call for each
  /// attempt, some fifty a second. It is called in the task that accepts, and must not block.
  public var onShortage: (@Sendable (IOError) -> Void)?

  /// The usual options.
  public init() {}
}

/// How to connect.
public struct ConnectOptions: Hashable, Sendable {
  /// Sends what is written at once (`TCP_NODELAY`).
  public var noDelay = true

  /// The usual options.
  public init() {}
}

/// What a runtime is doing: figures of one moment, taken without stopping it.
public struct RuntimeMetrics: Hashable, Sendable {
  /// Tasks started through `execute` or `spawn` that have not ended.
  public var tasks = 0
  /// Jobs ready to run that no worker has taken up: those waiting in the shared queue first, then a figure a worker.
  public var queueDepths: [Int] = []
  /// What each worker has done so far. Where workers are threads of somebody else's pool there is one entry for all of
  /// them together, and none where the pool is Swift's own, unbounded.
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

/// What a worker has done since its runtime was started. The counters only grow; they are right one by one, and not of
/// the same moment.
public struct WorkerMetrics: Hashable, Sendable {
  /// Jobs run: a task is a job each time it goes on.
  public var jobs = 0
  /// Jobs taken from another worker's queue. They count among `jobs` of whoever runs them.
  public var stolenJobs = 0
  /// How often the worker had nothing to do and went to sleep, or gave its thread back.
  public var parks = 0
  /// How often somebody woke it with a system call, or asked for a thread.
  public var wakes = 0

  /// Nothing done.
  public init() {}
}

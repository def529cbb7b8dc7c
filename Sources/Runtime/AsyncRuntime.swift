/// A runtime: an executor, a clock, a network and threads for blocking work, with a shutdown that ends them together.
///
/// Write code against the smallest protocol that suffices: an ``Executor`` to start tasks, a `Clock` to sleep, a
/// ``Network`` to connect or listen, a ``DatagramNetwork`` to send datagrams. A program that picks its runtime at
/// start-up is generic over `AsyncRuntime`.
///
/// A runtime tracks the tasks that ``Executor/spawn(_:_:)`` starts, because ``shutdown(grace:)`` waits for them. The
/// runtimes of this library ignore task priorities, except for `RuntimeConcurrency` without a number of workers, which
/// uses Swift's pool as it is.
public protocol AsyncRuntime: Executor, Network, DatagramNetwork {
  /// The type of ``clock``.
  associatedtype RuntimeClock: SleepingClock<Duration>

  /// A short name for logs and messages, such as `dispatch` or `custom`.
  var name: String { get }

  /// The number of threads that run tasks.
  ///
  /// Threads that run blocking work or wait for the kernel do not count, nor do relief workers (``StallOptions``),
  /// which run only while all others are stuck. If a worker is stuck in a job while others are free, it delays no
  /// sleep, no connection and no task but its own.
  var workerCount: Int { get }

  /// The clock that tasks sleep on.
  ///
  /// A sleep never ends early, uses no thread, and ends promptly when its task is cancelled. A sleep whose deadline has
  /// passed (a duration of zero, less, or a nanosecond) lets other tasks run first.
  var clock: RuntimeClock { get }

  /// Returns the addresses of the host `name`, each with `port`, in the order in which to try them.
  ///
  /// The default calls the system's resolver on a thread for blocking work. A numeric address is returned without a
  /// lookup. Cancelling the task ends the wait.
  ///
  /// - Throws: an error of ``IOError/Operation/resolve``. If the name has no address, its cause is ``UnresolvedName``.
  func addresses(ofHost name: String, port: UInt16) async throws(IOError) -> [SocketAddress]

  /// Runs `work`, which may block, on a thread for blocking work and returns its result.
  ///
  /// Threads are created on demand, up to a limit. Work beyond that limit waits in a queue. If the queue is full, the
  /// call throws ``BlockingWorkRefused`` at once (see ``BlockingLimits``, also for work that waits for other blocking
  /// work).
  ///
  /// Cancelling the waiting task ends the wait with `CancellationError`. Work that has not begun is dropped; work that
  /// has begun runs to its end, and its result is discarded.
  ///
  /// - Throws: the error of `work`, or ``IOError`` if the system cannot create any thread.
  func runBlocking<Success: Sendable>(
    _ work: sending @escaping () throws -> Success
  ) async throws -> Success

  /// The runtime's current metrics.
  var metrics: RuntimeMetrics { get }

  /// What each worker is doing now, in the order of their numbers, followed by each active relief worker
  /// (``StallOptions``).
  ///
  /// The default is an empty array, which is right for a runtime on the threads of a pool that offers no such
  /// information.
  var workerActivities: [WorkerActivity] { get }

  /// Shuts the runtime down.
  ///
  /// It closes listeners, streams and datagram sockets, ends sleeps with `CancellationError`, and waits up to `grace`
  /// for the tasks and the blocking work that were started on the runtime. It leaves no thread and no descriptor
  /// behind. Operations that begin to wait on the runtime afterwards fail at once with ``IOError/Reason/closed`` or
  /// `CancellationError`.
  ///
  /// A task that has not finished after `grace` (because it waits for something outside the runtime) continues on
  /// Swift's global pool. Work that still blocks keeps its thread until it returns, since a thread cannot be stopped.
  ///
  /// It may be called from anywhere and more than once. If a task of the runtime calls it, that task is not waited for.
  /// Nor is a task that started the calling task with `Task { }`, since it may be waiting for the call. A runtime that
  /// is never shut down keeps its threads until the process ends.
  func shutdown(grace: Duration) async
}

extension AsyncRuntime {
  public var workerActivities: [WorkerActivity] { [] }

  /// Shuts the runtime down with a grace period of five seconds.
  public func shutdown() async {
    await shutdown(grace: .seconds(5))
  }
}

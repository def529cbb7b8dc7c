/// All that a server needs of the ground it stands on: an executor, a clock, a network, blocking work, and an end.
///
/// Write against the smallest part that will do: something that only starts tasks asks for an ``Executor``, something
/// that only sleeps for a `Clock`, something that only connects for a ``Network``, something that only sends datagrams for
/// a ``DatagramNetwork``. A program that picks its runtime at start-up is generic over `AsyncRuntime`.
///
/// A runtime counts the tasks that ``Executor/spawn(_:_:)`` starts, because ``shutdown(grace:)`` waits for them. The library's
/// runtimes ignore the priority of a task, except for Swift's pool where no number of workers is given.
public protocol AsyncRuntime: Executor, Network, DatagramNetwork {
  /// The runtime's clock: Swift's own `Clock` is what hyper calls a timer.
  associatedtype RuntimeClock: SleepingClock<Duration>

  /// A short name for people: `dispatch`, `custom`, ...
  var name: String { get }

  /// How many threads run tasks. Threads that run blocking work or wait for the kernel do not count, nor do relief workers
  /// (``StallOptions``), which come while all others are stuck. A worker that is stuck in a job, where others are free,
  /// delays no sleep, no connection and no task but its own.
  var workerCount: Int { get }

  /// The clock to sleep on. A sleep is never early, costs no thread, and ends promptly when its task is cancelled. A sleep
  /// whose time has come already (of no time, of less, or of a nanosecond) lets other tasks have their turn.
  var clock: RuntimeClock { get }

  /// The addresses of host `name`, each with `port`, in the order in which they should be tried.
  ///
  /// The default asks the system's resolver, on a thread for blocking work. A name that is an address itself is not
  /// resolved. Cancelling the task ends the wait.
  ///
  /// - Throws: an error of ``IOError/Operation/resolve``. If the name has no address, its cause is ``UnresolvedName``.
  func addresses(ofHost name: String, port: UInt16) async throws(IOError) -> [SocketAddress]

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

  /// What each worker is doing just now, in the order of their numbers, and after them each relief worker that is at work
  /// (``StallOptions``). The default is none, which is right where the
  /// threads are those of a pool that cannot be asked.
  var workerActivities: [WorkerActivity] { get }

  /// Ends the runtime: closes its listeners, streams and sockets for datagrams, ends its sleeps with
  /// `CancellationError`, lets the tasks and the blocking work that were started on it run to their end for as long as
  /// `grace`, and leaves no thread or descriptor behind.
  ///
  /// What waits on the runtime afterwards fails at once with ``IOError/Reason/closed`` or `CancellationError`. A task
  /// that is still not done then (because it waits for something foreign) finishes on Swift's global pool, and work that
  /// still blocks keeps its thread until it returns, since a thread cannot be stopped. May be called from anywhere, more
  /// than once. The runtime's own task that calls it is not waited for, and neither is one that has started the calling
  /// task with `Task { }`, since it may be waiting for that. A runtime that is never shut down keeps its threads until the
  /// process ends.
  func shutdown(grace: Duration) async
}

extension AsyncRuntime {
  public var workerActivities: [WorkerActivity] { [] }

  /// Ends the runtime, giving its tasks five seconds to finish.
  public func shutdown() async {
    await shutdown(grace: .seconds(5))
  }
}

import Glibc
public import Runtime
public import RuntimeKit

/// A backend on Swift's own concurrency pool.
///
/// Without a number of workers it behaves like Swift without a runtime: tasks have no executor preference
/// (``taskExecutor`` is `nil`), so tasks spawned here share the pool with `Task {}` and actors. With a number of
/// workers, spawned tasks and their children use at most that many threads of the pool at a time. One thread,
/// `gearbox-poll`, waits for sockets and timers. Blocking work runs on separate threads, `gearbox-block`.
///
/// With a number of workers, jobs run in the order in which they became ready and task priorities are ignored, because
/// Swift does not tell an executor when a priority is raised.
public final class ConcurrencyRuntime: SocketRuntime {
  public let name = "concurrency"
  public let workerCount: Int
  public let clock: TimerClock

  private let executor: QueueExecutor?
  private let pollerThread: PollerThread
  public let services: RuntimeServices

  /// Creates a runtime and starts its threads.
  ///
  /// - Parameters:
  ///   - workers: the number of threads of the pool to use at a time; `nil` for all of them.
  ///   - poller: the mechanism to wait for sockets.
  ///   - blocking: the limits on blocking work.
  ///   - stalls: how to react to jobs that keep a worker for long; `nil` for no reaction and no watchdog thread.
  ///     Without a number of workers the runtime cannot observe the pool's threads and ignores this.
  /// - Throws: the system's error if a descriptor or a thread cannot be created.
  public init(
    workers: Int? = nil, poller: PollerKind = .best, blocking: BlockingLimits = BlockingLimits(),
    stalls: StallOptions? = StallOptions()
  ) throws(IOError) {
    precondition(workers.map { $0 > 0 } ?? true, "a runtime needs at least one worker")
    // The pool has a thread per online processor, even if this process may not use all of them.
    workerCount = workers ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    executor = workers.map { workers in
      QueueExecutor(width: workers, runtime: "concurrency", stalls: stalls) { work in
        SwiftPool.run(work)
      }
    }
    let pollerThread = try PollerThread(poller, name: "gearbox-poll")
    self.pollerThread = pollerThread
    clock = TimerClock { pollerThread.sleeps }
    services = RuntimeServices(clock: clock, blocking: blocking) { pollerThread.poller }
    do throws(IOError) {
      if let executor { try executor.watchdog?.start(executor) }
    } catch {
      pollerThread.stop()
      throw error
    }
  }

  public var taskExecutor: (any TaskExecutor)? { executor }

  public var metrics: RuntimeMetrics {
    services.metrics(
      queueDepths: executor.map { [$0.depth] } ?? [], workers: executor.map { [$0.combinedMetrics] } ?? [],
      sleeps: [pollerThread.sleeps], watchdog: executor?.watchdog)
  }

  public var workerActivities: [WorkerActivity] {
    services.activities(in: executor?.lanes ?? [], watchdog: executor?.watchdog)
  }

  public func shutdown(grace: Duration) async {
    await services.shutdown(grace: grace) { [pollerThread] in
      pollerThread.poller.closeSockets()
      pollerThread.sleeps.close()
    } stop: { [pollerThread, executor] deadline in
      executor?.stop(deadline: deadline)
      pollerThread.stop()
    }
  }
}

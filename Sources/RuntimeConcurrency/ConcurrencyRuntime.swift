import Glibc
public import Runtime
public import RuntimeKit

/// The backend on Swift's own concurrency pool.
///
/// Left to itself it is exactly what Swift does without a runtime: tasks have no preference (``taskExecutor`` is `nil`),
/// so that `Task {}` and actors share the pool with what is spawned here. With a number of workers, spawned tasks and
/// their children run on no more than so many threads of that pool at once. One thread, `gearbox-poll`, waits for sockets
/// and for the time; blocking work has threads of its own, `gearbox-block`.
///
/// With a number of workers jobs are run in the order in which they became ready, and the priority of a task is ignored:
/// Swift does not tell an executor when a priority is raised.
public final class ConcurrencyRuntime: SocketRuntime {
  public let name = "concurrency"
  public let workerCount: Int
  public let clock: TimerClock

  private let executor: QueueExecutor?
  private let waiting: PollerThread
  public let services: RuntimeServices

  /// - Parameters:
  ///   - workers: how many threads of the pool to use at once; `nil` for all that it has.
  ///   - poller: how to wait for sockets.
  ///   - blocking: how much blocking work there may be at once.
  ///   - stalls: what to do about jobs that keep a worker for long; `nil` for nothing, and no thread that watches. Without
  ///     a number of workers the runtime knows nothing of the pool's threads, and does nothing.
  /// - Throws: what the system says if it has no descriptor or thread to give.
  public init(
    workers: Int? = nil, poller: PollerKind = .best, blocking: BlockingLimits = BlockingLimits(),
    stalls: StallOptions? = StallOptions()
  ) throws(IOError) {
    precondition(workers.map { $0 > 0 } ?? true, "a runtime has at least one worker")
    // The pool is as wide as the machine, whatever this process is bound to.
    workerCount = workers ?? max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    executor = workers.map { workers in
      QueueExecutor(width: workers, runtime: "concurrency", stalls: stalls) { work in
        SwiftPool.run(work)
      }
    }
    let waiting = try PollerThread(poller, name: "gearbox-poll")
    self.waiting = waiting
    clock = TimerClock { waiting.sleeps }
    services = RuntimeServices(clock: clock, blocking: blocking) { waiting.poller }
    do throws(IOError) {
      if let executor { try executor.watchdog?.start(executor) }
    } catch {
      waiting.stop()
      throw error
    }
  }

  public var taskExecutor: (any TaskExecutor)? { executor }

  public var metrics: RuntimeMetrics {
    services.metrics(
      queueDepths: executor.map { [$0.depth] } ?? [], workers: executor.map { [$0.done] } ?? [],
      sleeps: [waiting.sleeps], watchdog: executor?.watchdog)
  }

  public var workerActivities: [WorkerActivity] {
    services.activities(in: executor?.lanes ?? [], watchdog: executor?.watchdog)
  }

  public func shutdown(grace: Duration) async {
    await services.shutdown(grace: grace) { [waiting] in
      waiting.poller.closeSockets()
      waiting.sleeps.close()
    } stop: { [waiting, executor] deadline in
      executor?.stop(deadline: deadline)
      waiting.stop()
    }
  }
}

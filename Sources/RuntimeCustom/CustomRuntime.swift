public import Runtime
public import RuntimeKit
import Synchronization

/// A backend on its own threads: a work-stealing pool in which each worker polls its own sockets and timers.
///
/// Workers are named `gearbox-0` and so on. A socket belongs to one worker's poller for its lifetime and wakes its task
/// there. The task runs on that worker unless an idle worker steals it. `Task.sleep` and Swift's clocks use the
/// workers' timers too. Blocking work runs on separate threads, `gearbox-block`.
///
/// Jobs run in the order in which they became ready. Task priorities are ignored: Swift does not tell an executor when
/// a priority is raised, so a task that a more important one waits for might never run.
public final class CustomRuntime: SocketRuntime {
  public let name = "custom"
  public let clock: TimerClock

  let scheduler: Scheduler
  public let services: RuntimeServices
  private let ending = Atomic(false)

  /// Creates a runtime and starts its threads.
  ///
  /// - Parameters:
  ///   - workers: the number of threads that run tasks; `nil` for one per available processor.
  ///   - poller: the mechanism with which a worker waits for sockets.
  ///   - stealsWork: whether idle workers take jobs that wait on other workers. Without stealing, a task made ready on
  ///     a worker runs there, however busy it is, unless more than 256 jobs wait; only jobs from other threads go to
  ///     any free worker.
  ///   - blocking: the limits on blocking work.
  ///   - stalls: how to react to jobs that keep a worker for long; `nil` for no reaction and no watchdog thread.
  ///     Without stealing, stalls are only reported.
  /// - Throws: the system's error if a descriptor or a thread cannot be created.
  public init(
    workers: Int? = nil, poller: PollerKind = .best, stealsWork: Bool = true,
    blocking: BlockingLimits = BlockingLimits(), stalls: StallOptions? = StallOptions()
  ) throws(IOError) {
    precondition(workers.map { $0 > 0 } ?? true, "a runtime needs at least one worker")
    let scheduler = try Scheduler(
      workers: workers ?? availableCores(), poller: poller, stealsWork: stealsWork, stalls: stalls)
    self.scheduler = scheduler
    clock = TimerClock { (scheduler.currentWorker ?? scheduler.someWorker).sleeps }
    services = RuntimeServices(clock: clock, blocking: blocking) { scheduler.someWorker.poller }
    try scheduler.start()
  }

  public var workerCount: Int { scheduler.workers.count }
  public var taskExecutor: (any TaskExecutor)? { scheduler }

  public var metrics: RuntimeMetrics {
    let shared = scheduler.sharedQueue.count + Adoption.depth(on: scheduler)
    return services.metrics(
      queueDepths: [shared] + scheduler.workers.map { $0.queue.count },
      workers: scheduler.workers.map(\.metrics), sleeps: scheduler.workers.map(\.sleeps), watchdog: scheduler.watchdog)
  }

  public var workerActivities: [WorkerActivity] {
    services.activities(in: scheduler.lanes, watchdog: scheduler.watchdog)
  }

  /// Whether `shutdown` has been called. Relaxed: it is read under the lock that `shutdown` takes afterwards.
  var isEnding: Bool { ending.load(ordering: .relaxed) }

  public func shutdown(grace: Duration) async {
    ending.store(true, ordering: .relaxed)
    // First: jobs of the process from now on no longer belong to the runtime.
    Adoption.end(on: scheduler)
    await services.shutdown(grace: grace) { [scheduler] in
      for worker in scheduler.workers {
        worker.poller.closeSockets()
        worker.sleeps.close()
      }
    } stop: { [scheduler] deadline in
      scheduler.stop(deadline: deadline)
    }
  }
}

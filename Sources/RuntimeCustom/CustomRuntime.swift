public import Runtime
public import RuntimeKit
import Synchronization

/// The backend on threads of its own: a work-stealing pool in which every worker polls its own sockets and timers.
///
/// Workers are named `gearbox-0` and so on. A socket belongs to one worker's poller for life and wakes its task there;
/// the task runs on that worker unless another has nothing to do and steals it. `Task.sleep` and Swift's clocks use the
/// workers' timers too. Blocking work has threads of its own, `gearbox-block`.
///
/// Jobs are run in the order in which they became ready. The priority of a task is ignored: Swift does not tell an executor
/// when a priority is raised, so a task that another waits for could be passed over for ever.
public final class CustomRuntime: SocketRuntime {
  public let name = "custom"
  public let clock: TimerClock

  let scheduler: Scheduler
  public let services: RuntimeServices
  private let ending = Atomic(false)

  /// - Parameters:
  ///   - workers: how many threads run tasks; `nil` for as many as there are processors to use.
  ///   - poller: how a worker waits for sockets.
  ///   - stealsWork: whether a worker with nothing to do takes over what waits on another. Without it a task that was
  ///     made ready on a worker runs there, however busy it is, unless more than 256 wait; only what comes from other
  ///     threads goes to whoever is free.
  ///   - blocking: how much blocking work there may be at once.
  ///   - stalls: what to do about jobs that keep a worker for long; `nil` for nothing, and no thread that watches. Without
  ///     stealing they are only reported.
  /// - Throws: what the system says if it has no descriptor or thread to give.
  public init(
    workers: Int? = nil, poller: PollerKind = .best, stealsWork: Bool = true,
    blocking: BlockingLimits = BlockingLimits(), stalls: StallOptions? = StallOptions()
  ) throws(IOError) {
    precondition(workers.map { $0 > 0 } ?? true, "a runtime has at least one worker")
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
    let shared = scheduler.injector.count + Adoption.depth(on: scheduler)
    return services.metrics(
      queueDepths: [shared] + scheduler.workers.map { $0.queue.count },
      workers: scheduler.workers.map(\.metrics), sleeps: scheduler.workers.map(\.sleeps), watchdog: scheduler.watchdog)
  }

  public var workerActivities: [WorkerActivity] {
    services.activities(in: scheduler.lanes, watchdog: scheduler.watchdog)
  }

  /// Whether `shutdown` has been called. Relaxed: it is looked at under the lock that `shutdown` takes after it.
  var isEnding: Bool { ending.load(ordering: .relaxed) }

  public func shutdown(grace: Duration) async {
    ending.store(true, ordering: .relaxed)
    // First: what the process does meanwhile, and afterwards, is not the runtime's any more.
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

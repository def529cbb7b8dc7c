import Dispatch
public import Runtime
public import RuntimeKit

/// A backend on Dispatch.
///
/// Tasks run on a concurrent queue, `gearbox.tasks`, which uses one thread per worker. One `DispatchSourceTimer` fires
/// at the first deadline of all sleeps. A poller thread, `gearbox-poll`, watches the sockets, which costs less than a
/// `DispatchSource` per socket. Blocking work runs on separate threads, `gearbox-block`.
///
/// Jobs run in the order in which they became ready. Task priorities are ignored: Swift does not tell an executor when
/// a priority is raised, so a task that a more important one waits for might never run.
public final class DispatchRuntime: SocketRuntime {
  public let name = "dispatch"
  public let clock: TimerClock

  private let executor: QueueExecutor
  private let pollerThread: PollerThread
  private let timer: DispatchTimer
  public let services: RuntimeServices

  /// Creates a runtime and starts its threads.
  ///
  /// - Parameters:
  ///   - workers: the number of tasks that run at a time; `nil` for one per available processor.
  ///   - poller: the mechanism to wait for sockets.
  ///   - blocking: the limits on blocking work.
  ///   - stalls: how to react to jobs that keep a worker for long; `nil` for no reaction and no watchdog thread.
  /// - Throws: the system's error if a descriptor or a thread cannot be created. If Dispatch cannot create them for its
  ///   timers, the call first blocks for five seconds.
  public init(
    workers: Int? = nil, poller: PollerKind = .best, blocking: BlockingLimits = BlockingLimits(),
    stalls: StallOptions? = StallOptions()
  ) throws(IOError) {
    precondition(workers.map { $0 > 0 } ?? true, "a runtime needs at least one worker")
    let queue = DispatchQueue(label: "gearbox.tasks", attributes: .concurrent)
    executor = QueueExecutor(width: workers ?? availableCores(), runtime: "dispatch", stalls: stalls) {
      queue.async(execute: $0)
    }
    let timer = try DispatchTimer()
    self.timer = timer
    let pollerThread: PollerThread
    do throws(IOError) {
      pollerThread = try PollerThread(poller, name: "gearbox-poll")
    } catch {
      timer.stop()
      throw error
    }
    do throws(IOError) {
      try executor.watchdog?.start(executor)
    } catch {
      timer.stop()
      pollerThread.stop()
      throw error
    }
    self.pollerThread = pollerThread
    clock = TimerClock { timer.sleeps }
    services = RuntimeServices(clock: clock, blocking: blocking) { pollerThread.poller }
  }

  public var workerCount: Int { executor.width }
  public var taskExecutor: (any TaskExecutor)? { executor }

  public var metrics: RuntimeMetrics {
    services.metrics(
      queueDepths: [executor.depth], workers: [executor.combinedMetrics], sleeps: [timer.sleeps],
      watchdog: executor.watchdog)
  }

  public var workerActivities: [WorkerActivity] {
    services.activities(in: executor.lanes, watchdog: executor.watchdog)
  }

  public func shutdown(grace: Duration) async {
    await services.shutdown(grace: grace) { [pollerThread, timer] in
      pollerThread.poller.closeSockets()
      timer.sleeps.close()
    } stop: { [pollerThread, timer, executor] deadline in
      executor.stop(deadline: deadline)
      timer.stop()
      pollerThread.stop()
    }
  }
}

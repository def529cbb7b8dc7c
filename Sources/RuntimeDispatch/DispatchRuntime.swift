import Dispatch
public import Runtime
public import RuntimeKit

/// The backend on Dispatch.
///
/// Tasks run on a concurrent queue, `gearbox.tasks`, on as many of its threads at once as there are workers. One
/// `DispatchSourceTimer` goes off when the next sleep is over. Sockets are watched by a poller thread, `gearbox-poll`,
/// which costs less than a `DispatchSource` a socket; blocking work has threads of its own, `gearbox-block`.
///
/// Jobs are run in the order in which they became ready. The priority of a task is ignored: Swift does not tell an executor
/// when a priority is raised, so a task that another waits for could be passed over for ever.
public final class DispatchRuntime: SocketRuntime {
  public let name = "dispatch"
  public let clock: TimerClock

  private let executor: QueueExecutor
  private let polling: PollerThread
  private let timer: DispatchTimer
  public let services: RuntimeServices

  /// - Parameters:
  ///   - workers: how many tasks run at once; `nil` for as many as there are processors to use.
  ///   - poller: how to wait for sockets.
  ///   - blocking: how much blocking work there may be at once.
  ///   - stalls: what to do about jobs that keep a worker for long; `nil` for nothing, and no thread that watches.
  /// - Throws: what the system says if it has no descriptor or thread to give. If Dispatch has none for its timers, the
  ///   call blocks for five seconds first.
  public init(
    workers: Int? = nil, poller: PollerKind = .best, blocking: BlockingLimits = BlockingLimits(),
    stalls: StallOptions? = StallOptions()
  ) throws(IOError) {
    precondition(workers.map { $0 > 0 } ?? true, "a runtime has at least one worker")
    let queue = DispatchQueue(label: "gearbox.tasks", attributes: .concurrent)
    executor = QueueExecutor(width: workers ?? availableCores(), runtime: "dispatch", stalls: stalls) {
      queue.async(execute: $0)
    }
    let timer = try DispatchTimer()
    self.timer = timer
    let polling: PollerThread
    do throws(IOError) {
      polling = try PollerThread(poller, name: "gearbox-poll")
    } catch {
      timer.stop()
      throw error
    }
    do throws(IOError) {
      try executor.watchdog?.start(executor)
    } catch {
      timer.stop()
      polling.stop()
      throw error
    }
    self.polling = polling
    clock = TimerClock { timer.sleeps }
    services = RuntimeServices(clock: clock, blocking: blocking) { polling.poller }
  }

  public var workerCount: Int { executor.width }
  public var taskExecutor: (any TaskExecutor)? { executor }

  public var metrics: RuntimeMetrics {
    services.metrics(
      queueDepths: [executor.depth], workers: [executor.done], sleeps: [timer.sleeps], watchdog: executor.watchdog)
  }

  public var workerActivities: [WorkerActivity] {
    services.activities(in: executor.lanes, watchdog: executor.watchdog)
  }

  public func shutdown(grace: Duration) async {
    await services.shutdown(grace: grace) { [polling, timer] in
      polling.poller.closeSockets()
      timer.sleeps.close()
    } stop: { [polling, timer, executor] deadline in
      executor.stop(deadline: deadline)
      timer.stop()
      polling.stop()
    }
  }
}

public import Runtime
import RuntimePrimitives
import Synchronization

/// A thread that compensates for stuck threads, similar to Go's `sysmon`.
///
/// While any lane is busy it checks all lanes every two milliseconds. It checks less often if it is woken late, since
/// on an overloaded machine it would add to the load. In each check:
///
/// 1. A lane that is in the same job as in the previous check is *stuck*. The watchdog covers for it: it polls the
///    lane's sockets and fires its timers, and jobs that become ready go to the queue shared by all workers.
/// 2. If all lanes have been stuck for ten milliseconds and jobs wait, a relief worker runs them. If that worker gets
///    stuck too, further ones follow, up to a limit. Relief ends when a lane makes progress, and the threads end after
///    a while without being needed.
/// 3. A lane that has been stuck for the threshold is a stall, which is counted and reported.
///
/// After all lanes have been idle for a while it sleeps until a lane is entered, so that an idle process stays idle.
public final class Watchdog: Sendable {
  private struct State {
    var isStopping = false
    /// Whether a lane has been entered since the watchdog fell asleep.
    var isWakePending = false
  }

  let options: StallOptions
  let threshold: Int64
  let runtime: String
  private let state = Monitor(State())
  private let isAsleep = Atomic(false)
  private let thread = Lock<Thread?>(nil)
  private let relief: BlockingPool
  private let counts = Lock(StallCounts())
  let reliefLanes = ReliefLanes()

  /// Creates a watchdog, which does nothing until it is started.
  ///
  /// - Parameter runtime: the runtime's name, for reports.
  public init(runtime: String, _ options: StallOptions) {
    self.runtime = runtime
    self.options = options
    threshold = options.threshold.nanoseconds
    relief = BlockingPool(
      threadName: "gearbox-relief", limits: BlockingLimits(threads: max(1, options.maximumReliefWorkers)))
  }

  /// Starts the thread, `gearbox-watch`. It retains `watched` until ``stop(deadline:)``.
  ///
  /// - Throws: the system's error if the thread cannot be created.
  public func start(_ watched: some WatchedScheduler) throws(IOError) {
    let thread = try Thread(name: "gearbox-watch") { [self] in
      var monitor = LaneMonitor(watched, self, relief)
      var lateness: Int64 = 0
      while waitForNextCheck(
        hasBusyLane: monitor.hasBusyLane, isIdle: monitor.idleChecks >= WatchdogPace.idleChecks, lateness: &lateness)
      {
        monitor.checkLanes()
      }
    }
    self.thread.withLock { $0 = thread }
  }

  /// Ends the thread and the relief workers, and blocks the calling thread until then. A relief worker that is still in
  /// a job at `deadline`, in nanoseconds of `MonotonicTime`, ends with its job.
  public func stop(deadline: Int64) {
    state.withLock { $0.isStopping = true }
    state.notifyAll()
    thread.withLock { exchange(&$0, with: nil) }?.join()
    relief.shutdown(deadline: deadline)
  }

  /// Wakes the watchdog if it sleeps. A thread calls this after its lane is marked as busy.
  func noteBusyLane() {
    // Pairs with the fence in `waitForNextCheck`: either that function sees the busy lane, or this thread sees that the
    // watchdog sleeps.
    sequentiallyConsistentFence()
    guard isAsleep.load(ordering: .relaxed) else { return }
    state.withLock { $0.isWakePending = true }
    state.notifyAll()
  }

  /// Waits until the next check is due.
  ///
  /// - Parameter lateness: by how many nanoseconds the last check was late.
  /// - Returns: whether to check; `false` if the watchdog stops.
  private func waitForNextCheck(hasBusyLane: () -> Bool, isIdle: Bool, lateness: inout Int64) -> Bool {
    var deadline = MonotonicTime.deadline(after: WatchdogPace.interval(after: lateness))
    if isIdle {
      isAsleep.store(true, ordering: .relaxed)
      sequentiallyConsistentFence()  // Pairs with the one in `noteBusyLane`.
      if !hasBusyLane() { deadline = .max }
    }
    defer {
      isAsleep.store(false, ordering: .relaxed)
      lateness = max(0, MonotonicTime.now - deadline)
    }
    return state.wait(until: deadline) { state, isLate in
      if state.isStopping { return false }
      guard isLate || state.isWakePending else { return nil }
      state.isWakePending = false
      return true
    }
  }
}

// MARK: - Figures

extension Watchdog {
  /// Metrics of stalls and relief.
  private struct StallCounts {
    var stalls = 0
    var longest: Int64 = 0
    var reliefWorkers = 0
    var reliefs = 0
  }

  func noteStall() { counts.withLock { $0.stalls += 1 } }
  func noteStallLength(_ nanoseconds: Int64) { counts.withLock { $0.longest = max($0.longest, nanoseconds) } }

  func noteReliefStart() {
    counts.withLock { counts in
      counts.reliefWorkers += 1
      counts.reliefs += 1
    }
  }

  func noteReliefEnd() { counts.withLock { $0.reliefWorkers -= 1 } }

  /// Adds the watchdog's metrics to those of the runtime.
  package func add(to metrics: inout RuntimeMetrics) {
    let counts = counts.withLock(\.self)
    metrics.stalls = counts.stalls
    metrics.longestStall = .nanoseconds(counts.longest)
    metrics.reliefWorkers = counts.reliefWorkers
    metrics.reliefs = counts.reliefs
  }
}

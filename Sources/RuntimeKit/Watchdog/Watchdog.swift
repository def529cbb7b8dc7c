public import Runtime
import RuntimePrimitives
import Synchronization

/// A thread that makes no other thread indispensable, as Go's `sysmon` does.
///
/// While any lane is busy it looks at all of them every other millisecond, and less often where it is woken late: on a
/// machine that has more to do than it can, it would only add to that. In each look:
///
/// 1. A lane that is at the same job as in the look before is *stuck*. The watchdog covers for it: it polls the lane's
///    sockets and fires its timers, and what becomes ready goes to the queue that all workers share.
/// 2. If every lane has been stuck for ten milliseconds and jobs wait, a relief worker runs them. If that one gets stuck
///    as well, the next one comes, up to a limit. Relief ends when a lane goes on, and its threads end when they have not
///    been needed for a while.
/// 3. A lane that has been stuck for the threshold has a stall. It is counted and reported.
///
/// When all lanes have been idle for a while it sleeps until a lane is entered, so that an idle process stays idle.
public final class Watchdog: Sendable {
  private struct State {
    var isStopping = false
    /// A lane has been entered since the watchdog fell asleep.
    var isRung = false
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

  /// A watchdog that does what the options say, once it is started.
  ///
  /// - Parameter runtime: the runtime's name, for its reports.
  public init(runtime: String, _ options: StallOptions) {
    self.runtime = runtime
    self.options = options
    threshold = options.threshold.nanoseconds
    relief = BlockingPool(
      threadName: "gearbox-relief", limits: BlockingLimits(threads: max(1, options.maximumReliefWorkers)))
  }

  /// Starts the thread, `gearbox-watch`. It holds `watched` until ``stop(deadline:)``.
  ///
  /// - Throws: what the system says if it has no thread to give.
  public func start(_ watched: some WatchedScheduler) throws(IOError) {
    let thread = try Thread(name: "gearbox-watch") { [self] in
      var watch = Watch(watched, self, relief)
      var lateness: Int64 = 0
      while pause(
        hasBusyLane: watch.hasBusyLane, isIdle: watch.idleLooks >= WatchdogPace.idleLooks, lateness: &lateness)
      {
        watch.look()
      }
    }
    self.thread.withLock { $0 = thread }
  }

  /// Ends the thread and the relief workers. A relief worker that is still in a job after `deadline`, in nanoseconds of
  /// `MonotonicTime`, ends with the job. It blocks the calling thread until then.
  public func stop(deadline: Int64) {
    state.withLock { $0.isStopping = true }
    state.notifyAll()
    thread.withLock { exchange(&$0, with: nil) }?.join()
    relief.shutdown(deadline: deadline)
  }

  /// Wakes the watchdog if it sleeps. A thread calls this once its lane says that it is busy.
  func noteBusyLane() {
    // Pairs with the fence in `pause`: either that one sees the lane, or this one sees that the watchdog sleeps.
    sequentiallyConsistentFence()
    guard isAsleep.load(ordering: .relaxed) else { return }
    state.withLock { $0.isRung = true }
    state.notifyAll()
  }

  /// Waits until it is time for the next look.
  ///
  /// - Parameter lateness: by how many nanoseconds the last look was late.
  /// - Returns: whether there is to be one.
  private func pause(hasBusyLane: () -> Bool, isIdle: Bool, lateness: inout Int64) -> Bool {
    var deadline = MonotonicTime.deadline(after: WatchdogPace.pause(after: lateness))
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
      guard isLate || state.isRung else { return nil }
      state.isRung = false
      return true
    }
  }
}

// MARK: - Figures

extension Watchdog {
  /// What has been seen of stalls and relief.
  private struct StallCounts {
    var stalls = 0
    var longest: Int64 = 0
    var reliefWorkers = 0
    var reliefs = 0
  }

  func noteStall() { counts.withLock { $0.stalls += 1 } }
  func noteStallLength(_ nanoseconds: Int64) { counts.withLock { $0.longest = max($0.longest, nanoseconds) } }

  func noteReliefBegins() {
    counts.withLock { counts in
      counts.reliefWorkers += 1
      counts.reliefs += 1
    }
  }

  func noteReliefEnds() { counts.withLock { $0.reliefWorkers -= 1 } }

  /// Adds what has been seen to the figures of the runtime.
  package func add(to metrics: inout RuntimeMetrics) {
    let counts = counts.withLock(\.self)
    metrics.stalls = counts.stalls
    metrics.longestStall = .nanoseconds(counts.longest)
    metrics.reliefWorkers = counts.reliefWorkers
    metrics.reliefs = counts.reliefs
  }
}

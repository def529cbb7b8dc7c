import Runtime
import Synchronization

/// A slot in which one thread at a time runs jobs: a worker, a thread that a queue has borrowed, or a relief worker. It
/// shows the watchdog whether its thread makes progress.
///
/// A worker enters its lane when it begins to work, leaves it to sleep, and records each job in its ``counters``.
public final class Lane: Sendable {
  /// The name for reports, such as `worker 0` or `relief worker 1`.
  public let name: String
  /// The counters, written by the lane's thread.
  public let counters: JobCounters
  private let busy = Atomic(false)
  private let watchdog: Watchdog?

  /// Creates an idle lane, observed by `watchdog` if there is one.
  public init(_ name: String, _ watchdog: Watchdog?) {
    self.name = name
    self.watchdog = watchdog
    counters = JobCounters(laneNamed: name)
  }

  /// Whether a thread runs jobs here, or has been requested.
  public var isBusy: Bool { busy.load(ordering: .relaxed) }

  /// Records that a thread runs jobs here.
  public func enter() {
    busy.store(true, ordering: .relaxed)  // Relaxed: `noteBusyLane` orders it.
    watchdog?.noteBusyLane()
  }

  /// Records that the thread sleeps or has gone.
  public func leave() {
    counters.hasNoJob()
    // Relaxed: a watchdog that sees it late mistakes an idle lane for a stuck one, which is harmless.
    busy.store(false, ordering: .relaxed)
  }
}

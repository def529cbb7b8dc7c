import Runtime
import Synchronization

/// A place in which one thread at a time runs jobs: that of a worker, of a thread that a queue has borrowed, or of a
/// relief worker. It shows the watchdog whether its thread gets on.
///
/// A worker enters its lane when it begins to work, leaves it to sleep, and tells its ``counters`` of each job.
public final class Lane: Sendable {
  /// For people: `worker 0`, `relief worker 1`.
  public let name: String
  /// What the thread in it does, told by that thread.
  public let counters: JobCounters
  private let busy = Atomic(false)
  private let watchdog: Watchdog?

  /// An idle lane that `watchdog` looks at, if there is one.
  public init(_ name: String, _ watchdog: Watchdog?) {
    self.name = name
    self.watchdog = watchdog
    counters = JobCounters(laneNamed: name)
  }

  /// Whether a thread runs jobs here, or has been asked to.
  public var isBusy: Bool { busy.load(ordering: .relaxed) }

  /// Says that a thread runs jobs here from now on.
  public func enter() {
    busy.store(true, ordering: .relaxed)  // `noteBusyLane` orders it.
    watchdog?.noteBusyLane()
  }

  /// Says that the thread sleeps, or has gone.
  public func leave() {
    counters.hasNoJob()
    // Relaxed: a watchdog that sees it late takes an idle lane for a stuck one, which does no harm.
    busy.store(false, ordering: .relaxed)
  }
}

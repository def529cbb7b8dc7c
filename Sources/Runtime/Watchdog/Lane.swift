import Synchronization

/// A place in which one thread at a time runs jobs: that of a worker, of a thread that a queue has borrowed, or of a
/// relief worker. It shows the watchdog whether its thread gets on.
package final class Lane: Sendable {
  /// For people: `worker 0`, `relief worker 1`.
  package let name: String
  package let counters = JobCounters()
  private let busy = Atomic(false)
  private let watchdog: Watchdog?

  package init(_ name: String, _ watchdog: Watchdog?) {
    self.name = name
    self.watchdog = watchdog
  }

  /// Whether a thread runs jobs here, or has been asked to.
  package var isBusy: Bool { busy.load(ordering: .relaxed) }

  /// Says that a thread runs jobs here from now on.
  package func enter() {
    busy.store(true, ordering: .relaxed)  // `noteBusyLane` orders it.
    watchdog?.noteBusyLane()
  }

  /// Says that the thread sleeps, or has gone.
  package func leave() {
    counters.hasNoJob()
    // Relaxed: a watchdog that sees it late takes an idle lane for a stuck one, which does no harm.
    busy.store(false, ordering: .relaxed)
  }
}

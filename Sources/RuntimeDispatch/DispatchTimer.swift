import Dispatch
import Runtime

/// One Dispatch timer for all who sleep: it is set to the first deadline, and wakes those whose time has come.
final class DispatchTimer: Sendable {
  let sleeps: SleepQueue
  /// Unchecked: Dispatch's sources may be used from any thread, though their type does not say so.
  private nonisolated(unsafe) let source: any DispatchSourceTimer

  init() {
    let queue = DispatchQueue(label: "gearbox.timers")
    nonisolated(unsafe) let source = DispatchSource.makeTimerSource(queue: queue)  // As above.
    // All that sets the timer is on one queue and looks for the first deadline there: none can undo a later one's work.
    let fire = { @Sendable (sleeps: SleepQueue) in
      guard let next = sleeps.fire() else { return }
      // Dispatch's uptime is the monotonic clock.
      source.schedule(deadline: DispatchTime(uptimeNanoseconds: UInt64(clamping: next)), leeway: .nanoseconds(0))
    }
    let sleeps = SleepQueue { sleeps in queue.async { fire(sleeps) } }
    source.setEventHandler { fire(sleeps) }
    // Set at once, so that Dispatch makes its own descriptors now: it aborts if it has to and there is none left.
    source.schedule(deadline: .now() + .seconds(3600))
    source.activate()
    self.source = source
    self.sleeps = sleeps
  }

  func stop() {
    source.cancel()
  }
}

import Dispatch
import Glibc
import Runtime
import RuntimeKit

/// A single Dispatch timer for all sleeping tasks. It is set to the first deadline and wakes tasks whose deadline has
/// passed.
final class DispatchTimer: Sendable {
  let sleeps: SleepQueue
  /// Unchecked: Dispatch sources are thread-safe, but their type is not marked `Sendable`.
  private nonisolated(unsafe) let source: any DispatchSourceTimer

  /// Creates the timer.
  ///
  /// - Throws: a system error such as `EMFILE` if Dispatch has no descriptor for its timers; `EAGAIN` if it has no
  ///   thread for them, for example because more than 255 serial queues block.
  init() throws(IOError) {
    let queue = DispatchQueue(label: "gearbox.timers")
    nonisolated(unsafe) let source = DispatchSource.makeTimerSource(queue: queue)  // As above.
    // The timer is only set on this queue, after reading the first deadline there, so no call can override a later one.
    let fire = { @Sendable (sleeps: SleepQueue) in
      guard let next = sleeps.fire() else { return }
      // Dispatch's uptime clock is the monotonic clock.
      source.schedule(deadline: DispatchTime(uptimeNanoseconds: UInt64(clamping: next)), leeway: .nanoseconds(0))
    }
    let sleeps = SleepQueue { sleeps in queue.async { fire(sleeps) } }
    source.setEventHandler { fire(sleeps) }
    source.activate()
    self.source = source
    self.sleeps = sleeps
    try Self.awaitFirstTimer(queue)
  }

  /// Lets a timer fire, and blocks the calling thread for the millisecond until then.
  ///
  /// Dispatch creates the descriptor for its timers with the first timer, on a thread of its own. If no descriptor is
  /// left by then, it silently drops the timer.
  private static func awaitFirstTimer(_ queue: DispatchQueue) throws(IOError) {
    let fired = DispatchSemaphore(value: 0)
    let first = DispatchSource.makeTimerSource(queue: queue)
    first.setEventHandler { fired.signal() }
    // Slightly in the future: a timer that is already due fires without the descriptor.
    first.schedule(deadline: .now() + .milliseconds(1), leeway: .nanoseconds(0))
    first.activate()
    defer { first.cancel() }
    // Even on a busy machine, a timer that is five seconds late has been dropped.
    guard fired.wait(timeout: .now() + .seconds(5)) != .success else { return }
    let spare = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard spare >= 0 else { throw IOError(.poll, .system(errno)) }
    close(spare)
    throw IOError(.thread, .system(EAGAIN))
  }

  func stop() {
    source.cancel()
  }
}

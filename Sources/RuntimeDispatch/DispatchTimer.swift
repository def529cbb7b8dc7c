import Dispatch
import Glibc
import Runtime
import RuntimeKit

/// One Dispatch timer for all who sleep: it is set to the first deadline, and wakes those whose time has come.
final class DispatchTimer: Sendable {
  let sleeps: SleepQueue
  /// Unchecked: Dispatch's sources may be used from any thread, though their type does not say so.
  private nonisolated(unsafe) let source: any DispatchSourceTimer

  /// - Throws: `EMFILE`, say, if Dispatch has found no descriptor for its timers, and `EAGAIN` if it has no thread for them, as
  ///   when serial queues block more than 255.
  init() throws(IOError) {
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
    source.activate()
    self.source = source
    self.sleeps = sleeps
    try Self.awaitFirstTimer(queue)
  }

  /// Has a timer go off, and blocks the calling thread for the millisecond that it takes.
  ///
  /// Dispatch makes the descriptor that its timers need with the first of them, on a thread of its own. If there is none
  /// left by then, it loses the timer without a word.
  private static func awaitFirstTimer(_ queue: DispatchQueue) throws(IOError) {
    let hasGoneOff = DispatchSemaphore(value: 0)
    let first = DispatchSource.makeTimerSource(queue: queue)
    first.setEventHandler { hasGoneOff.signal() }
    // In the future, if only just: one that is due already goes off without a descriptor.
    first.schedule(deadline: .now() + .milliseconds(1), leeway: .nanoseconds(0))
    first.activate()
    defer { first.cancel() }
    // However busy the machine: five seconds late is lost.
    guard hasGoneOff.wait(timeout: .now() + .seconds(5)) != .success else { return }
    let spare = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard spare >= 0 else { throw IOError(.poll, .system(errno)) }
    close(spare)
    throw IOError(.thread, .system(EAGAIN))
  }

  func stop() {
    source.cancel()
  }
}

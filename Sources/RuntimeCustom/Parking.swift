import Runtime
import Synchronization

/// How a worker sleeps in its poller, and how it is woken: the poller's alarm, a system call, is rung only for one that
/// really sleeps.
final class Parking: Sendable {
  let poller: any Poller
  private let state = Atomic<UInt8>(awake)
  private let rings = Atomic<Int>(0)

  private static let awake: UInt8 = 0
  private static let asleep: UInt8 = 1
  private static let notified: UInt8 = 2

  init(_ poller: any Poller) { self.poller = poller }

  /// How often the alarm has been rung.
  var ringCount: Int { rings.load(ordering: .relaxed) }

  /// The worker is about to sleep.
  ///
  /// - Returns: whether it may: nobody has woken it since it last ended.
  func begin() -> Bool {
    // Relaxed: nothing is read by it. The look round follows `end`.
    state.compareExchange(expected: Self.awake, desired: Self.asleep, ordering: .relaxed).exchanged
  }

  /// The worker has stopped sleeping, or has not begun.
  func end() {
    // Acquiring: what was queued before a wake that this swallows is seen by the look round that follows.
    _ = state.exchange(Self.awake, ordering: .acquiring)
  }

  /// Wakes the worker, from any thread.
  func unpark() {
    // Releasing: pairs with `end`.
    guard state.exchange(Self.notified, ordering: .releasing) == Self.asleep else { return }
    rings.add(1, ordering: .relaxed)
    poller.wake()
  }
}

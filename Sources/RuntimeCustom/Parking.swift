import Runtime
import RuntimeKit
import RuntimePrimitives
import Synchronization

/// How a worker polls, sleeps in its poller, and is woken: the poller's alarm, a system call, is rung only for a worker
/// that really sleeps.
///
/// The watchdog polls too while the worker is stuck in a job, so a lock says whose turn it is. A worker takes it before
/// it decides to sleep: a poll of the watchdog's between that decision and the sleep would take the alarm away.
final class Parking: Sendable {
  let poller: any Poller
  /// Held by the thread that polls. A value though none is needed: ThreadSanitizer takes one without a size for its
  /// neighbour.
  private let polling = Lock(false)
  private let state = Atomic<UInt8>(awake)
  private let rings = Atomic<Int>(0)

  private static let awake: UInt8 = 0
  private static let asleep: UInt8 = 1
  private static let notified: UInt8 = 2

  init(_ poller: any Poller) { self.poller = poller }

  /// How often the alarm has been rung.
  var ringCount: Int { rings.load(ordering: .relaxed) }

  /// Polls without waiting, unless another thread is at it. From any thread.
  func poll() {
    _ = polling.withLockIfAvailable { _ in poller.poll(timeout: 0) }
  }

  /// Sleeps until the worker is woken, a socket is ready or `timeout` nanoseconds have passed, unless it has been woken
  /// since it last slept. The worker's own thread only.
  func sleep(_ timeout: Int64?) {
    polling.withLock { _ in
      // Relaxed: nothing is read by it. The look round follows the exchange below.
      let maySleep = state.compareExchange(expected: Self.awake, desired: Self.asleep, ordering: .relaxed).exchanged
      if maySleep { _ = poller.poll(timeout: timeout) }
    }
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

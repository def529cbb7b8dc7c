import Runtime
import RuntimeKit
import RuntimePrimitives
import Synchronization

/// Polling, sleeping and waking of a worker. Waking the poller, which is a system call, happens only if the worker really
/// sleeps.
///
/// The watchdog polls too while the worker is stuck in a job, so a lock decides which one polls. A worker takes the
/// lock before it decides to sleep: otherwise a poll of the watchdog between the decision and the sleep could consume
/// the wake-up.
final class Parking: Sendable {
  let poller: any Poller
  /// Held by the thread that polls. It has a value although none is needed, because ThreadSanitizer confuses a lock
  /// without a size with its neighbour.
  private let polling = Lock(false)
  private let state = Atomic<UInt8>(awake)
  private let wakes = Atomic<Int>(0)

  private static let awake: UInt8 = 0
  private static let asleep: UInt8 = 1
  private static let notified: UInt8 = 2

  init(_ poller: any Poller) { self.poller = poller }

  /// The number of times that the poller has been woken.
  var wakeCount: Int { wakes.load(ordering: .relaxed) }

  /// Polls without waiting, unless another thread is polling. It may be called from any thread.
  func poll() {
    _ = polling.withLockIfAvailable { _ in poller.poll(timeout: 0) }
  }

  /// Sleeps until the worker is woken, a socket is ready or `timeout` nanoseconds have passed. Does not sleep if the
  /// worker has been woken since it last slept. Only the worker's own thread may call it.
  func sleep(_ timeout: Int64?) {
    polling.withLock { _ in
      // Relaxed: it publishes nothing. The worker checks for work after the exchange below.
      let maySleep = state.compareExchange(expected: Self.awake, desired: Self.asleep, ordering: .relaxed).exchanged
      if maySleep { _ = poller.poll(timeout: timeout) }
    }
    // Acquiring: the following check sees what was queued before a wake-up that this exchange consumes.
    _ = state.exchange(Self.awake, ordering: .acquiring)
  }

  /// Wakes the worker. It may be called from any thread.
  func unpark() {
    // Releasing: pairs with the exchange at the end of `sleep`.
    guard state.exchange(Self.notified, ordering: .releasing) == Self.asleep else { return }
    wakes.add(1, ordering: .relaxed)
    poller.wake()
  }
}

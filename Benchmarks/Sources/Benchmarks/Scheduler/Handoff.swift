import Synchronization

/// A thing that one task gives and another takes, over and over: each finds it there, or waits until it is.
final class Handoff: Sendable {
  /// Nothing there, something there, or the continuation of the task that waits for it.
  private let state = Atomic<UInt>(0)

  func give() {
    let before = state.exchange(1, ordering: .acquiringAndReleasing)
    guard before > 1 else { return }
    state.store(0, ordering: .relaxed)  // No other task is there: the taker sleeps.
    unsafeBitCast(before, to: UnsafeContinuation<Void, Never>.self).resume()
  }

  func take() async {
    if state.compareExchange(expected: 1, desired: 0, ordering: .acquiringAndReleasing).exchanged { return }
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
      let waiting = unsafeBitCast(continuation, to: UInt.self)
      if state.compareExchange(expected: 0, desired: waiting, ordering: .acquiringAndReleasing).exchanged { return }
      state.store(0, ordering: .relaxed)  // It has been given meanwhile.
      continuation.resume()
    }
  }
}

import Synchronization

/// Hands a token from one task to another, repeatedly. The receiver gets it at once, or waits until it is sent.
final class Handoff: Sendable {
  /// 0: empty. 1: full. Otherwise: the continuation of the waiting task.
  private let state = Atomic<UInt>(0)

  func send() {
    let before = state.exchange(1, ordering: .acquiringAndReleasing)
    guard before > 1 else { return }
    state.store(0, ordering: .relaxed)  // No other task accesses it: the receiver sleeps.
    unsafeBitCast(before, to: UnsafeContinuation<Void, Never>.self).resume()
  }

  func receive() async {
    if state.compareExchange(expected: 1, desired: 0, ordering: .acquiringAndReleasing).exchanged { return }
    await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
      let waiting = unsafeBitCast(continuation, to: UInt.self)
      if state.compareExchange(expected: 0, desired: waiting, ordering: .acquiringAndReleasing).exchanged { return }
      state.store(0, ordering: .relaxed)  // The sender came first.
      continuation.resume()
    }
  }
}

import RuntimePrimitives

/// The signals that have come for one sequence, and the tasks that wait for one.
final class SignalMailbox: SignalReceiver {
  let signals: Set<Signal>
  private let state = Lock(State())

  private struct State {
    /// In the order in which the first of each came; it is as long as there are signals at most.
    var pending: [(signal: Signal, count: Int)] = []
    /// Those that wait, if nothing is pending.
    var waiters: [(number: Int, continuation: UnsafeContinuation<Signal?, Never>)] = []
    var nextNumber = 0

    mutating func take() -> Signal? {
      guard let first = pending.first else { return nil }
      if first.count > 1 { pending[0].count -= 1 } else { pending.removeFirst() }
      return first.signal
    }
  }

  init(_ signals: Set<Signal>) { self.signals = signals }

  /// Gives the signal to tasks that wait, and keeps the rest.
  func put(_ signal: Signal, count: Int) {
    let woken = state.withLock { state in
      let woken = state.waiters.prefix(count).map(\.continuation)
      state.waiters.removeFirst(woken.count)
      let rest = count - woken.count
      if let place = state.pending.firstIndex(where: { $0.signal == signal }) {
        state.pending[place].count += rest
      } else if rest > 0 {
        state.pending.append((signal, rest))
      }
      return woken
    }
    for continuation in woken { continuation.resume(returning: signal) }
  }

  /// Waits for a signal; gives `nil` if the task is cancelled, and leaves the signals where they are then.
  func next() async -> Signal? {
    let number = state.withLock { state in
      state.nextNumber += 1
      return state.nextNumber
    }
    return await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let result = state.withLock { state -> Signal?? in
          // The task is marked as cancelled before the handler runs, so that one of the two sees the other.
          if Task.isCancelled { return .some(nil) }
          if let signal = state.take() { return signal }
          state.waiters.append((number, continuation))
          return nil
        }
        if let result { continuation.resume(returning: result) }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0).continuation }
      }
      waiter?.resume(returning: nil)
    }
  }
}

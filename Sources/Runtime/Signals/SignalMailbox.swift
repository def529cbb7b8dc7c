import RuntimePrimitives

/// The pending signals of one sequence, and the tasks that wait for one.
final class SignalMailbox: SignalReceiver {
  let signals: Set<Signal>
  private let state = Lock(State())

  private struct State {
    /// Pending signals in the order of their first arrival, at most one entry per signal.
    var pending: [(signal: Signal, count: Int)] = []
    /// The waiting tasks. There are none while a signal is pending.
    var waiters: [(number: Int, continuation: UnsafeContinuation<Signal?, Never>)] = []
    var nextNumber = 0

    mutating func take() -> Signal? {
      guard let first = pending.first else { return nil }
      if first.count > 1 { pending[0].count -= 1 } else { pending.removeFirst() }
      return first.signal
    }
  }

  init(_ signals: Set<Signal>) { self.signals = signals }

  /// Resumes waiting tasks with the signal and keeps the remaining count.
  func receive(_ signal: Signal, count: Int) {
    let woken = state.withLock { state in
      let woken = state.waiters.prefix(count).map(\.continuation)
      state.waiters.removeFirst(woken.count)
      let rest = count - woken.count
      if let index = state.pending.firstIndex(where: { $0.signal == signal }) {
        state.pending[index].count += rest
      } else if rest > 0 {
        state.pending.append((signal, rest))
      }
      return woken
    }
    for continuation in woken { continuation.resume(returning: signal) }
  }

  /// Waits for a signal. Returns `nil` if the task is cancelled, without taking a signal.
  func next() async -> Signal? {
    let number = state.withLock { state in
      state.nextNumber += 1
      return state.nextNumber
    }
    return await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
        let result = state.withLock { state -> Signal?? in
          // The task is marked as cancelled before the handler runs. So either this check sees the mark or the handler
          // finds the waiter.
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

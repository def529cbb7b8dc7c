import Runtime
import RuntimePrimitives

/// The open connections of a server.
final class ConnectionRegistry: Sendable {
  private struct State {
    /// The connections by slot; `nil` marks a free slot.
    var slots: [ConnectionControl?] = []
    var freeSlots: [Int] = []
    var total = 0
    /// The number of requests of connections that have ended.
    var pastRequests = 0
    /// The tasks that wait until fewer than `bound` connections are open.
    var waiters: [(bound: Int, continuation: CheckedContinuation<Void, Never>)] = []

    var open: Int { slots.count - freeSlots.count }
  }

  private let state = Lock(State())

  /// Adds a connection. Returns its slot, for ``remove(at:)``.
  func insert(_ control: ConnectionControl) -> Int {
    state.withLock { state in
      state.total += 1
      if let slot = state.freeSlots.popLast() {
        state.slots[slot] = control
        return slot
      }
      state.slots.append(control)
      return state.slots.count - 1
    }
  }

  func remove(at slot: Int) {
    let woken = state.withLock { state in
      state.pastRequests += state.slots[slot]?.requestCount ?? 0
      state.slots[slot] = nil
      state.freeSlots.append(slot)
      if state.open == 0 {
        state.slots.removeAll(keepingCapacity: true)
        state.freeSlots.removeAll(keepingCapacity: true)
      }
      let open = state.open
      let woken = state.waiters.filter { open < $0.bound }
      state.waiters.removeAll { open < $0.bound }
      return woken
    }
    for waiter in woken { waiter.continuation.resume() }
  }

  /// The number of open connections.
  var openCount: Int { state.withLock(\.open) }

  /// Waits until fewer than `bound` connections are open. Cancellation does not end the wait.
  ///
  /// - Parameter onWait: Called if there is a wait.
  func waitUntilCount(isBelow bound: Int, onWait: () -> Void = {}) async {
    await withCheckedContinuation { continuation in
      let isBelow = state.withLock { state in
        if state.open >= bound { state.waiters.append((bound, continuation)) }
        return state.open < bound
      }
      if isBelow { continuation.resume() } else { onWait() }
    }
  }

  /// A snapshot of the open connections. Callers act on them without the lock, because cancelling a task runs foreign
  /// code.
  var connections: [ConnectionControl] { state.withLock { $0.slots.compactMap(\.self) } }

  var metrics: ServerMetrics {
    state.withLock { state in
      var metrics = ServerMetrics(
        openConnections: state.open, totalConnections: state.total, totalRequests: state.pastRequests)
      for control in state.slots.lazy.compactMap(\.self) {
        metrics.totalRequests += control.requestCount
        metrics.requestsInFlight += control.requestsInFlight
      }
      return metrics
    }
  }
}

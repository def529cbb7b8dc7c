import Runtime
import RuntimePrimitives

/// The open connections of a server.
final class ConnectionRegistry: Sendable {
  private struct State {
    /// Connections where they were put, with `nil` where one has ended.
    var slots: [ConnectionControl?] = []
    var freeSlots: [Int] = []
    var total = 0
    /// Requests of connections that have ended.
    var pastRequests = 0
    /// Who waits for connections to end, and how few have to be open for it.
    var waiters: [(bound: Int, continuation: CheckedContinuation<Void, Never>)] = []

    var open: Int { slots.count - freeSlots.count }
  }

  private let state = Lock(State())

  /// Adds a connection, and says where, for ``remove(at:)``.
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

  /// How many connections are open.
  var openCount: Int { state.withLock(\.open) }

  /// Waits until fewer than `bound` connections are open, even in a task that has been cancelled.
  ///
  /// - Parameter onWait: called if that is not so at once.
  func waitUntilOpen(isBelow bound: Int, onWait: () -> Void = {}) async {
    await withCheckedContinuation { continuation in
      let isBelow = state.withLock { state in
        if state.open >= bound { state.waiters.append((bound, continuation)) }
        return state.open < bound
      }
      if isBelow { continuation.resume() } else { onWait() }
    }
  }

  /// Every connection that was open a moment ago. What is done to them is done without the lock: cancelling a task runs
  /// code of others.
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

import Runtime
import RuntimePrimitives

/// One direction between two hosts.
struct LinkDirection: Hashable {
  let from: Int
  let to: Int
}

/// The state that a test has set for one direction of a link.
struct LinkState {
  var isPartitioned = false
  var isHeld = false
  var latency: ClosedRange<Duration>?
  var losses: Double?
  /// Called once the direction is open again.
  var waiting: [() -> Void] = []

  var isOpen: Bool { !isPartitioned && !isHeld }
}

extension SimulatedNetwork {
  // MARK: Changes

  func change(_ direction: LinkDirection, _ change: (inout LinkState) -> Void) {
    var state = links[direction] ?? LinkState()
    change(&state)
    let waiting = state.isOpen ? exchange(&state.waiting, with: []) : []
    links[direction] = state
    for body in waiting { body() }
  }

  /// Returns whether datagrams in this direction are lost.
  func isPartitioned(from a: Int, to b: Int) -> Bool { links[LinkDirection(from: a, to: b)]?.isPartitioned ?? false }

  func isOpen(from a: Int, to b: Int) -> Bool { links[LinkDirection(from: a, to: b)]?.isOpen ?? true }

  /// Calls `body` once this direction is open: now, if it is.
  func whenOpen(from a: Int, to b: Int, _ body: @escaping () -> Void) {
    if isOpen(from: a, to: b) { body() } else { links[LinkDirection(from: a, to: b)]?.waiting.append(body) }
  }

  // MARK: Latency and loss

  /// Returns the latency of what is sent at `place`, in nanoseconds.
  func latency(from a: Int, to b: Int, at place: Fault.Place) -> Int64 {
    let range = links[LinkDirection(from: a, to: b)]?.latency ?? faults.plan.latency
    guard range.upperBound > .zero else { return 0 }
    return faults.latency(
      within: max(0, range.lowerBound.nanoseconds)...max(0, range.upperBound.nanoseconds), at: place)
  }

  /// Returns the chance that a datagram is lost.
  func losses(from a: Int, to b: Int) -> Double {
    links[LinkDirection(from: a, to: b)]?.losses ?? faults.plan.losses
  }

  /// Returns how much later the data that a connection sends at `place` arrives because it is lost and retransmitted,
  /// in nanoseconds.
  ///
  /// - Parameter record: called for each loss.
  func retransmission(
    from a: Int, to b: Int, at place: Fault.Place, of connection: Int, _ record: (Fault) -> Void
  ) -> Int64 {
    guard let chance = links[LinkDirection(from: a, to: b)]?.losses else { return 0 }
    var delay: Int64 = 0
    // Ten losses in a row at most: a chance of 1 must not loop without end.
    for number in 0..<10 {
      var place = place
      place.occasion = place.occasion << 4 | number
      guard let fault = fault(.loss, chance, at: place, of: connection) else { break }
      record(fault)
      delay += Self.retransmissionTimeout << number
    }
    return delay
  }

  /// Linux's least time before a retransmission (`TCP_RTO_MIN`), in nanoseconds.
  private static var retransmissionTimeout: Int64 { 200_000_000 }
}

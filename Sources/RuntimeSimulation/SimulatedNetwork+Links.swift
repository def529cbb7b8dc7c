import Runtime
import RuntimePrimitives

/// One of the two ways between two hosts.
struct LinkDirection: Hashable {
  let from: Int
  let to: Int
}

/// What a test has asked of one direction of a link.
struct LinkState {
  var isPartitioned = false
  var isHeld = false
  var latency: ClosedRange<Duration>?
  var losses: Double?
  /// What is to be done once something gets through again.
  var waiting: [() -> Void] = []

  var isOpen: Bool { !isPartitioned && !isHeld }
}

extension SimulatedNetwork {
  // MARK: What was asked for

  func change(_ direction: LinkDirection, _ change: (inout LinkState) -> Void) {
    var state = links[direction] ?? LinkState()
    change(&state)
    let waiting = state.isOpen ? exchange(&state.waiting, with: []) : []
    links[direction] = state
    for body in waiting { body() }
  }

  /// Whether datagrams in this direction are lost.
  func isPartitioned(from a: Int, to b: Int) -> Bool { links[LinkDirection(from: a, to: b)]?.isPartitioned ?? false }

  func isOpen(from a: Int, to b: Int) -> Bool { links[LinkDirection(from: a, to: b)]?.isOpen ?? true }

  /// Has `body` done once something gets through in this direction: now, if it does.
  func whenOpen(from a: Int, to b: Int, _ body: @escaping () -> Void) {
    if isOpen(from: a, to: b) { body() } else { links[LinkDirection(from: a, to: b)]?.waiting.append(body) }
  }

  // MARK: Latency and loss

  /// How long what is sent at `place` takes.
  func latency(from a: Int, to b: Int, at place: Fault.Place) -> Int64 {
    let range = links[LinkDirection(from: a, to: b)]?.latency ?? faults.plan.latency
    guard range.upperBound > .zero else { return 0 }
    return faults.latency(
      within: max(0, range.lowerBound.nanoseconds)...max(0, range.upperBound.nanoseconds), at: place)
  }

  /// The chance that a datagram is lost.
  func losses(from a: Int, to b: Int) -> Double {
    links[LinkDirection(from: a, to: b)]?.losses ?? faults.plan.losses
  }

  /// How much later what a connection sends at `place` arrives because it is lost on the way and sent again.
  ///
  /// - Parameter note: takes each loss.
  func retransmission(
    from a: Int, to b: Int, at place: Fault.Place, of connection: Int, _ note: (Fault) -> Void
  ) -> Int64 {
    guard let chance = links[LinkDirection(from: a, to: b)]?.losses else { return 0 }
    var delay: Int64 = 0
    // As many losses in a row as one has to be unlucky for; a chance of 1 must not go on for ever.
    for number in 0..<10 {
      var place = place
      place.occasion = place.occasion << 4 | number
      guard let fault = fault(.loss, chance, at: place, of: connection) else { break }
      note(fault)
      delay += Self.retransmissionTimeout << number
    }
    return delay
  }

  /// The least that Linux waits before it sends again (`TCP_RTO_MIN`), in nanoseconds.
  private static var retransmissionTimeout: Int64 { 200_000_000 }
}

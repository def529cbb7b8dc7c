/// The link between two hosts of a simulation, with turmoil's verbs to break and repair it.
///
/// ```swift
/// let link = client.link(to: server)
/// link.partition()
/// try await runtime.clock.sleep(for: .seconds(10))
/// link.repair()
/// ```
///
/// A verb takes effect at once, applies to what is sent from then on, and lasts until another verb ends it. What is
/// already on its way arrives. Acknowledgements of a stream's bytes do not cross the link: the bytes make room for more
/// as soon as the peer has read them, whatever the state of the way back.
///
/// Use it in its simulation only.
public struct SimulatedLink: Sendable {
  let simulation: Simulation
  let from: Int
  let to: Int

  /// Stops everything in both directions, until ``repair()``. What streams send waits, as TCP retransmits it again and
  /// again, and so do attempts to connect, for 127 s. Datagrams are lost.
  public func partition() { change(.partition) { $0.isPartitioned = true } }

  /// Stops everything from the first host to the other one, until ``repair()`` or ``repairOneway()``. The first host is
  /// the one whose ``SimulatedRuntime/link(to:)`` gave the link. What the other host sends arrives.
  public func partitionOneway() { change(.partition, isOneway: true) { $0.isPartitioned = true } }

  /// Ends a partition in both directions.
  public func repair() { change(.repair) { $0.isPartitioned = false } }

  /// Ends a partition from the first host to the other one.
  public func repairOneway() { change(.repair, isOneway: true) { $0.isPartitioned = false } }

  /// Holds back what is sent in both directions, until ``release()``. Nothing is lost, not even datagrams.
  public func hold() { change(.hold) { $0.isHeld = true } }

  /// Sends what was held back, in order, and holds back no more.
  public func release() { change(.release) { $0.isHeld = false } }

  /// Sets the latency of the link, in place of ``FaultPlan/latency``; `nil` restores the plan's.
  public func setLatency(_ latency: ClosedRange<Duration>?) { change(.latency(latency)) { $0.latency = latency } }

  /// Sets the chance that a piece of data or a datagram is lost, in place of ``FaultPlan/losses``; `nil` restores the
  /// plan's.
  ///
  /// A stream's data that is lost is sent again after 200 ms, and after twice the time for each further loss (RFC 6298
  /// section 5.5; Linux's least timeout). Under the plan alone, streams lose nothing.
  public func setLosses(_ chance: Double?) { change(.losses(chance)) { $0.losses = chance } }

  private func change(_ verb: LinkChange.Verb, isOneway: Bool = false, _ change: (inout LinkState) -> Void) {
    simulation.assertCurrent()
    simulation.journal.record(.linkChanged(LinkChange(verb: verb, from: from, to: to, isOneway: isOneway)))
    simulation.network.change(LinkDirection(from: from, to: to), change)
    if !isOneway { simulation.network.change(LinkDirection(from: to, to: from), change) }
  }
}

extension SimulatedRuntime {
  /// Returns the link between this host and `other`, another host of the simulation.
  public func link(to other: SimulatedRuntime) -> SimulatedLink {
    simulation.assertCurrent()
    precondition(host !== other.host, "a host has no link to itself")
    return SimulatedLink(simulation: simulation, from: host.number, to: other.host.number)
  }
}

/// A change of a link, for the trace.
struct LinkChange {
  enum Verb {
    case partition, repair, hold, release
    case latency(ClosedRange<Duration>?)
    case losses(Double?)
  }

  let verb: Verb
  let from: Int
  let to: Int
  let isOneway: Bool
}

extension LinkChange: CustomStringConvertible {
  var description: String {
    let hosts = isOneway ? "from host \(from) to host \(to)" : "between host \(from) and host \(to)"
    return switch verb {
    case .partition: "partitions the link \(hosts)"
    case .repair: "repairs the link \(hosts)"
    case .hold: "holds what is sent \(hosts)"
    case .release: "releases what is held \(hosts)"
    case .latency(let latency?):
      "sets the latency \(hosts) to \(latency.lowerBound.text) to \(latency.upperBound.text)"
    case .losses(let chance?): "sets the losses \(hosts) to \(chance)"
    case .latency(nil): "sets the latency \(hosts) to that of the plan"
    case .losses(nil): "sets the losses \(hosts) to those of the plan"
    }
  }
}

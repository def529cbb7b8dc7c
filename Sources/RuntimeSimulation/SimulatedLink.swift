/// The link between two hosts of a simulation, with the verbs by which a test breaks it and mends it. They are turmoil's.
///
/// ```swift
/// let link = client.link(to: server)
/// link.partition()
/// try await runtime.clock.sleep(for: .seconds(10))
/// link.repair()
/// ```
///
/// What a verb does begins at once, holds for what is sent from then on, and lasts until another verb ends it. What is on
/// its way already arrives. That a stream's bytes have been acknowledged is not sent: they make room for more as soon as the
/// peer has read them, whatever the way back is like.
///
/// It is used from its simulation alone.
public struct SimulatedLink: Sendable {
  let simulation: Simulation
  let from: Int
  let to: Int

  /// Lets nothing through, either way, until ``repair()``. What streams send waits for that, as TCP sends it again and again,
  /// and so do attempts to connect, for 127 s. Datagrams are lost.
  public func partition() { change(.partition) { $0.isPartitioned = true } }

  /// Lets nothing through from the host whose link it is to the other one, until ``repair()`` or ``repairOneway()``. What the
  /// other host sends arrives.
  public func partitionOneway() { change(.partition, isOneway: true) { $0.isPartitioned = true } }

  /// Ends a partition, both ways.
  public func repair() { change(.repair) { $0.isPartitioned = false } }

  /// Ends a partition from the host whose link it is to the other one.
  public func repairOneway() { change(.repair, isOneway: true) { $0.isPartitioned = false } }

  /// Holds what is sent, either way, until ``release()``: nothing is lost, datagrams neither.
  public func hold() { change(.hold) { $0.isHeld = true } }

  /// Sends off what is held, in its order, and holds no more.
  public func release() { change(.release) { $0.isHeld = false } }

  /// Has what is sent take so long, in place of ``FaultPlan/latency``; `nil` for what the plan says.
  public func setLatency(_ latency: ClosedRange<Duration>?) { change(.latency(latency)) { $0.latency = latency } }

  /// Has pieces be lost with this chance, in place of ``FaultPlan/losses``; `nil` for what the plan says.
  ///
  /// What a stream sends is sent again when it has been lost, after 200 ms, and after twice as long each time that it is lost
  /// again (RFC 6298 section 5.5; Linux's least timeout). By the plan alone, streams lose nothing.
  public func setLosses(_ chance: Double?) { change(.losses(chance)) { $0.losses = chance } }

  private func change(_ verb: LinkChange.Verb, isOneway: Bool = false, _ change: (inout LinkState) -> Void) {
    simulation.assertCurrent()
    simulation.journal.record(.linkChanged(LinkChange(verb: verb, from: from, to: to, isOneway: isOneway)))
    simulation.network.change(LinkDirection(from: from, to: to), change)
    if !isOneway { simulation.network.change(LinkDirection(from: to, to: from), change) }
  }
}

extension SimulatedRuntime {
  /// The link between this host and `other`, which is another one of the simulation.
  public func link(to other: SimulatedRuntime) -> SimulatedLink {
    simulation.assertCurrent()
    precondition(host !== other.host, "a host has no link to itself")
    return SimulatedLink(simulation: simulation, from: host.number, to: other.host.number)
  }
}

/// What a test has asked of a link, for the trace.
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

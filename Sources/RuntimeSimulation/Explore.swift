/// Runs `body` in a simulation again and again, with another order of turns each time, until there is no other order or
/// enough has been tried.
///
/// The first run has everything in turn (``Schedule/inTurn(except:)``). Then come the runs that deviate from that at
/// one choice, then those that deviate at two, and so on; no order is tried twice. So the failure that is found is one
/// that takes as few deviations as any: a deviation is a task that is held up until nothing else is ready. Bounding
/// them finds most bugs long before all orders have been tried (Musuvathi and Qadeer, "Iterative context bounding for
/// systematic testing of multithreaded programs", 2007; Emmi, Qadeer and Rakamarić, "Delay-bounded scheduling", 2011).
///
/// Orders that differ only in steps that do not touch each other are all tried: there is no partial-order reduction.
/// One would have to know which steps commute, and a step is a job of Swift's, of which a simulation sees what it does
/// with streams, sockets and clocks, but not which memory it reads and writes. Two tasks that use different connections
/// may still share an actor or a lock.
///
/// Only the order of turns varies. The seed stays the same, and with it what is drawn from it, latencies and faults. The
/// number of orders grows exponentially with that of choices, so scenes have to be small: two or three tasks, with a
/// dozen awaits.
///
/// State that outlives a run would have orders be missed: a run that does not have the choices of the one it is made
/// from fails with ``SimulationFailure/Cause/unrepeatable``.
///
/// - Parameters:
///   - seed: decides all that is left to chance but the order of turns.
///   - faults: what goes wrong in the network.
///   - limits: when a run has taken too long.
///   - runs: how many to make at most.
///   - deviations: at how many choices a run may deviate.
/// - Returns: how far it got.
/// - Throws: ``SimulationFailure`` for the first run that does not end well; its ``SimulationFailure/schedule`` repeats it.
@discardableResult
public func explore(
  seed: UInt64 = 1, faults: FaultPlan = .none, limits: SimulationLimits = SimulationLimits(), runs: Int = 10_000,
  deviations: Int = .max, _ body: @escaping @Sendable (SimulatedRuntime) async throws -> Void
) async throws -> Exploration {
  let scenario = Scenario(schedule: .inTurn(except: [:]), faults: faults, limits: limits, body: body)
  return try await onSimulationThread { thread in
    let seed = try Environment.seed() ?? seed
    var frontier = Frontier(limit: runs, deviations: deviations)
    while let exceptions = frontier.next() {
      let report = try await scenario.run(seed, .inTurn(except: exceptions), on: thread)
      guard frontier.note(report.widths) else {
        throw SimulationFailure(
          seed: seed, schedule: .inTurn(except: exceptions), cause: .unrepeatable, faults: report.faults,
          faultCount: report.faults.count, waiters: [], hosts: report.hosts, journal: report.journal,
          eventCount: report.journal.count, lastEvents: report.journal.lastLines(limits.eventsShown))
      }
    }
    return frontier.exploration
  }
}

/// How far an exploration got in which no run failed.
public struct Exploration: Hashable, Sendable {
  /// How many runs it made.
  public let runs: Int
  /// Up to how many deviations every order has been tried.
  public let deviations: Int
  /// Whether every order that there is has been tried.
  public let isComplete: Bool
}

/// The orders that are to be tried yet, those with fewer deviations first.
struct Frontier {
  private struct Order {
    var exceptions: [Int: Int] = [:]
    /// The choice of the last exception, and how many were ready there in the run that this order comes from.
    var last = -1
    var width = 0
  }

  private var orders = [Order()]
  private var runs = 0
  private let limit: Int
  private let bound: Int
  /// The fewest deviations of an order that is left out.
  private var omitted = Int.max
  /// The most deviations of an order that has been tried.
  private var most = 0

  /// - Parameters:
  ///   - limit: how many orders to try at most.
  ///   - deviations: how many one may have.
  init(limit: Int, deviations: Int) {
    self.limit = limit
    bound = deviations
  }

  /// The next order, as exceptions from the usual one.
  mutating func next() -> [Int: Int]? {
    guard runs < min(orders.count, limit) else { return nil }
    runs += 1
    return orders[runs - 1].exceptions
  }

  /// Takes note of how many were ready at each choice of the run in the order that was given out last. What deviates
  /// from it at one more choice, after the last one at which it deviates itself, is to be tried, too: so each order
  /// comes up once.
  ///
  /// - Returns: whether the run began as the one that its order comes from.
  mutating func note(_ widths: [Int]) -> Bool {
    let order = orders[runs - 1]
    // Nothing needs it any more.
    orders[runs - 1] = Order()
    if order.last >= 0, order.last >= widths.count || widths[order.last] != order.width { return false }
    let deviations = order.exceptions.count + 1
    for choice in order.last + 1..<max(order.last + 1, widths.count) {
      for index in 1..<widths[choice] {
        guard deviations <= bound, orders.count < limit else {
          omitted = min(omitted, deviations)
          return true
        }
        var exceptions = order.exceptions
        exceptions[choice] = index
        orders.append(Order(exceptions: exceptions, last: choice, width: widths[choice]))
      }
    }
    most = max(most, order.exceptions.count)
    return true
  }

  var exploration: Exploration {
    Exploration(runs: runs, deviations: min(most, omitted - 1), isComplete: omitted == .max && runs == orders.count)
  }
}

/// Runs `body` in a simulation again and again, each time with another order of tasks, until every order has been tried
/// or a limit is reached.
///
/// The first run keeps the order in which tasks become ready (``Schedule/inTurn(except:)``). Then come the runs that
/// deviate from it at one choice, then those that deviate at two, and so on; no order is tried twice. A deviation holds
/// a task up until nothing else is ready. So no failure takes fewer deviations than the one that is found. Bounding
/// deviations finds most bugs long before all orders have been tried (Musuvathi and Qadeer, "Iterative context bounding
/// for systematic testing of multithreaded programs", 2007; Emmi, Qadeer and Rakamarić, "Delay-bounded scheduling",
/// 2011).
///
/// There is no partial-order reduction: orders that differ only in independent steps are all tried. To know which steps
/// commute, a simulation would have to know which memory each job reads and writes, but it sees only the use of
/// streams, sockets and clocks. Two tasks that use different connections may still share an actor or a lock.
///
/// Only the order of tasks varies. The seed stays the same, and so does what is drawn from it, such as latencies and
/// faults. The number of orders grows exponentially with the number of choices, so scenes have to be small: two or
/// three tasks, with a dozen awaits.
///
/// State that outlives a run would hide orders. A run whose choices differ from those of the run that it derives from
/// fails with ``SimulationFailure/Cause/unrepeatable``.
///
/// - Parameters:
///   - seed: decides everything random except the order of tasks.
///   - faults: what goes wrong, and how often.
///   - limits: when a run has taken too long.
///   - runs: the most runs to make.
///   - deviations: the most choices at which a run may deviate.
///   - body: the test.
/// - Returns: how far the exploration got.
/// - Throws: ``SimulationFailure`` for the first run that fails; its ``SimulationFailure/schedule`` repeats it.
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
      guard frontier.record(report.widths) else {
        throw SimulationFailure(
          seed: seed, schedule: .inTurn(except: exceptions), cause: .unrepeatable, faults: report.faults,
          faultCount: report.faults.count, waiters: [], hosts: report.hosts, journal: report.journal,
          eventCount: report.journal.count, lastEvents: report.journal.lastLines(limits.eventsShown))
      }
    }
    return frontier.exploration
  }
}

/// How far an exploration without a failure got.
public struct Exploration: Hashable, Sendable {
  /// The number of runs.
  public let runs: Int
  /// The number of deviations up to which every order has been tried.
  public let deviations: Int
  /// Whether every order has been tried.
  public let isComplete: Bool
}

/// The orders that have not been tried yet, those with fewer deviations first.
struct Frontier {
  private struct Order {
    var exceptions: [Int: Int] = [:]
    /// The choice of the last exception, and the number of ready tasks there in the run that this order derives from.
    var last = -1
    var width = 0
  }

  private var orders = [Order()]
  private var runs = 0
  private let limit: Int
  private let maximumDeviations: Int
  /// The fewest deviations of an order that was left out.
  private var lowestOmitted = Int.max
  /// The most deviations of an order that was tried.
  private var highestTried = 0

  /// - Parameters:
  ///   - limit: the most orders to try.
  ///   - deviations: the most deviations of an order.
  init(limit: Int, deviations: Int) {
    self.limit = limit
    maximumDeviations = deviations
  }

  /// Returns the next order, as exceptions from the usual one; `nil` if there is none or the limit is reached.
  mutating func next() -> [Int: Int]? {
    guard runs < min(orders.count, limit) else { return nil }
    runs += 1
    return orders[runs - 1].exceptions
  }

  /// Records the number of ready tasks at each choice of the run in the order that was returned last. Adds the orders
  /// that deviate from it at one more choice, after its own last deviation, so that each order comes up once.
  ///
  /// - Returns: whether the run began like the one that its order derives from.
  mutating func record(_ widths: [Int]) -> Bool {
    let order = orders[runs - 1]
    // This order is not needed any more.
    orders[runs - 1] = Order()
    if order.last >= 0, order.last >= widths.count || widths[order.last] != order.width { return false }
    let deviations = order.exceptions.count + 1
    for choice in order.last + 1..<max(order.last + 1, widths.count) {
      for index in 1..<widths[choice] {
        guard deviations <= maximumDeviations, orders.count < limit else {
          lowestOmitted = min(lowestOmitted, deviations)
          return true
        }
        var exceptions = order.exceptions
        exceptions[choice] = index
        orders.append(Order(exceptions: exceptions, last: choice, width: widths[choice]))
      }
    }
    highestTried = max(highestTried, order.exceptions.count)
    return true
  }

  var exploration: Exploration {
    Exploration(
      runs: runs, deviations: min(highestTried, lowestOmitted - 1),
      isComplete: lowestOmitted == .max && runs == orders.count)
  }
}

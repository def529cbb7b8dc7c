import Runtime
import Synchronization

/// What the connections of a server hold for their clients, in bytes, and how much that may be.
///
/// Connections draw on it in steps, so that ordinary requests never touch it. What a connection holds below a step is
/// not counted.
final class MemoryBudget: Sendable {
  /// How much of it is taken.
  enum Pressure: Comparable, Sendable {
    /// Less than half.
    case none
    /// Half of it or more: receive windows shrink, and a connection that holds more than its share may ask for no more.
    case high
    /// All of it: what would have to be held is refused.
    case full
  }

  /// What a connection may hold under pressure, in bytes: as much as a client may send of one stream before it has heard
  /// of any window (RFC 9113 section 6.9.2).
  static let share = FlowControl.initialWindow
  /// By how much a connection's part has to change before it is counted anew.
  static let step = 16 * 1024

  let limit: Int
  private let taken = Atomic(0)

  init(limit: Int) { self.limit = max(1, limit) }

  /// The bytes that are held.
  var held: Int { taken.load(ordering: .relaxed) }

  var pressure: Pressure {
    let held = held
    return held < limit / 2 ? .none : held < limit ? .high : .full
  }

  /// Counts `difference` more bytes, or fewer. Relaxed: the count is a bound, and guards no memory.
  func adjust(by difference: Int) {
    if difference != 0 { taken.wrappingAdd(difference, ordering: .relaxed) }
  }

  /// A part of the budget: what one connection, or one request, has taken of it.
  struct Part: Sendable {
    private(set) var taken = 0

    /// Counts that it holds `held` bytes now, if that differs by a step from what has been counted, or is nothing.
    @inline(__always)
    mutating func set(to held: Int, in budget: MemoryBudget) {
      let difference = held - taken
      guard abs(difference) >= MemoryBudget.step || held == 0 && taken != 0 else { return }
      budget.adjust(by: difference)
      taken = held
    }
  }
}

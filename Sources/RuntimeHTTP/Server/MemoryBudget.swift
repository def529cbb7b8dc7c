import Runtime
import Synchronization

/// Counts the bytes that the connections of a server hold for their clients, and limits them.
///
/// Connections update the count in steps, so that ordinary requests never touch it. What a connection holds below one
/// step is not counted.
final class MemoryBudget: Sendable {
  /// The degree to which the budget is used.
  enum Pressure: Comparable, Sendable {
    /// Less than half is used.
    case none
    /// Half or more is used: receive windows shrink, and a connection that holds more than its share may open no more
    /// streams.
    case high
    /// All of it is used: requests that would have to be held are refused.
    case full
  }

  /// The number of bytes that a connection may hold under pressure: what a client may send on a stream before it learns
  /// of any other window (RFC 9113 section 6.9.2).
  static let share = FlowControl.initialWindow
  /// The change in a connection's part, in bytes, from which on it is counted again.
  static let step = 16 * 1024

  let limit: Int
  private let taken = Atomic(0)

  init(limit: Int) { self.limit = max(1, limit) }

  /// The number of bytes held.
  var held: Int { taken.load(ordering: .relaxed) }

  var pressure: Pressure {
    let held = held
    return held < limit / 2 ? .none : held < limit ? .high : .full
  }

  /// Adds `difference`, which may be negative, to the count. Relaxed: the count is a bound and guards no memory.
  func adjust(by difference: Int) {
    if difference != 0 { taken.wrappingAdd(difference, ordering: .relaxed) }
  }

  /// The part of the budget that one connection or request has taken.
  struct Part: Sendable {
    private(set) var taken = 0

    /// Sets the part to `held` bytes, if this differs from the counted value by a step or is zero.
    @inline(__always)
    mutating func set(to held: Int, in budget: MemoryBudget) {
      let difference = held - taken
      guard abs(difference) >= MemoryBudget.step || held == 0 && taken != 0 else { return }
      budget.adjust(by: difference)
      taken = held
    }
  }
}

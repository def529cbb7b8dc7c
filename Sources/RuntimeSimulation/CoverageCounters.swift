import CSimulation

/// Whether this program was built with coverage, which ``fuzz(seed:faults:limits:runs:_:)`` needs.
public var hasCoverageCounters: Bool { gearbox_coverage_counter_count() > 0 }

/// The program was built without coverage, so ``fuzz(seed:faults:limits:runs:_:)`` cannot see what code a run reaches.
public struct CoverageUnavailable: Error, CustomStringConvertible {
  /// A sentence that says how to build the program.
  public var description: String {
    "fuzz found no coverage counters in this program: build it with --enable-code-coverage, as in swift test "
      + "--enable-code-coverage"
  }
}

/// A coverage counter that rose during a run.
package struct CounterRise: Hashable, Sendable {
  package let counter: Int
  /// By how much it rose, as one of eight bits: by 1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, or more. These are
  /// AFL's: one more turn of a loop is new only while the loop is short.
  package let bucket: UInt8

  package init(_ counter: Int, by rise: UInt64) {
    self.counter = counter
    bucket =
      switch rise {
      case ...1: 1
      case 2: 1 << 1
      case 3: 1 << 2
      case ..<8: 1 << 3
      case ..<16: 1 << 4
      case ..<32: 1 << 5
      case ..<128: 1 << 6
      default: 1 << 7
      }
  }
}

/// Measures what code runs, by the coverage counters of this program.
///
/// It compares the counters with a copy made before. They count for the whole process, and are not reset, since a
/// report of coverage needs them.
package final class CoverageCounters {
  let count: Int
  private let copy: UnsafeMutablePointer<UInt64>

  package init() throws(CoverageUnavailable) {
    count = gearbox_coverage_counter_count()
    guard count > 0 else { throw CoverageUnavailable() }
    copy = .allocate(capacity: count)
  }

  deinit { copy.deallocate() }

  /// Begins a measurement.
  package func begin() { gearbox_copy_coverage_counters(copy) }

  /// Returns the counters that have risen since ``begin()``.
  package func end() -> [CounterRise] {
    var rises: [CounterRise] = []
    var rise: UInt64 = 0
    var index = gearbox_next_risen_counter(copy, 0, &rise)
    while index < count {
      rises.append(CounterRise(index, by: rise))
      index = gearbox_next_risen_counter(copy, index + 1, &rise)
    }
    return rises
  }
}

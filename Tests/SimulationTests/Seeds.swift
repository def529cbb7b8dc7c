import Glibc
import RuntimeSimulation

/// The seeds that a test goes through: few enough for every day, or as many as `SIMULATION_SEEDS` says.
enum Seeds {
  private static let wanted = number("SIMULATION_SEEDS")

  /// For what has to hold in one run as in another.
  static let few: ClosedRange<UInt64> = 1...max(1, wanted ?? 10)
  /// For what goes wrong in one run of many.
  static let many: ClosedRange<UInt64> = 1...max(1, wanted ?? 25)

  /// The limits of the runs that take longest. `SIMULATION_SHRINKING` says how many runs may be spent on finding out what
  /// made one fail: none, where the reason is known.
  static let limits: SimulationLimits = {
    var limits = SimulationLimits()
    if let count = number("SIMULATION_SHRINKING") { limits.shrinkingRuns = Int(clamping: count) }
    return limits
  }()

  private static func number(_ variable: String) -> UInt64? {
    getenv(variable).flatMap { UInt64(String(cString: $0)) }
  }
}

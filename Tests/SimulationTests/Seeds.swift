import Glibc
import RuntimeSimulation

/// The seeds of a test: few enough for every day, or as many as `SIMULATION_SEEDS` says.
enum Seeds {
  private static let wanted = number("SIMULATION_SEEDS")

  /// Seeds for what happens in every run.
  static let few: ClosedRange<UInt64> = 1...max(1, wanted ?? 10)
  /// Seeds for what goes wrong in one run of many.
  static let many: ClosedRange<UInt64> = 1...max(1, wanted ?? 25)

  /// The number of runs of a test that prefers runs which reach new code.
  static let fuzzed = Int(clamping: wanted ?? 35)

  /// The limits of the longest runs. `SIMULATION_SHRINKING` is the number of runs that may be spent on shrinking a
  /// failure: 0 if its cause is known.
  static let limits: SimulationLimits = {
    var limits = SimulationLimits()
    if let count = number("SIMULATION_SHRINKING") { limits.shrinkingRuns = Int(clamping: count) }
    return limits
  }()

  private static func number(_ variable: String) -> UInt64? {
    getenv(variable).flatMap { UInt64(String(cString: $0)) }
  }
}

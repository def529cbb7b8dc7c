import Glibc

/// The seeds that a test goes through: few enough for every day, or as many as `SIMULATION_SEEDS` says.
enum Seeds {
  private static let wanted: UInt64? = getenv("SIMULATION_SEEDS").flatMap { UInt64(String(cString: $0)) }

  /// For what has to hold in one run as in another.
  static let few: ClosedRange<UInt64> = 1...max(1, wanted ?? 10)
  /// For what goes wrong in one run of many.
  static let many: ClosedRange<UInt64> = 1...max(1, wanted ?? 25)
}

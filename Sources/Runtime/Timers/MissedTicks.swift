/// The policy of an ``Interval`` for ticks that were due while the work between two ticks took longer than a period.
///
/// The first missed tick is delivered as soon as it is requested; the policy determines what follows. In the examples
/// below, the period is 1 s and the work lasts from the tick at 1 s until 4.5 s, so the tick of 2 s is delivered at 4.5
/// s.
public struct MissedTicks: Hashable, Sendable {
  private let number: UInt8

  /// Skips the other missed ticks: the next tick is the next one due, at 5 s.
  public static let skip = MissedTicks(number: 0)

  /// Delivers all missed ticks: those of 3 s and 4 s as soon as they are requested, and then that of 5 s.
  public static let catchUp = MissedTicks(number: 1)

  /// Skips the other missed ticks and shifts all later ones: the next tick is due one period after the late one, at 5.5
  /// s, then at 6.5 s, and so on. Only this policy leaves the multiples of the period.
  public static let delay = MissedTicks(number: 2)
}

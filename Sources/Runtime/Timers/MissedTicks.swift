/// What an ``Interval`` does about the ticks that were due while the work between two ticks took longer than a period.
///
/// The first of them comes as soon as it is asked for. With a period of 1 s and work that goes on from the tick at 1 s until
/// 4.5 s, the tick of 2 s comes at 4.5 s, and then those that the constants below name.
public struct MissedTicks: Hashable, Sendable {
  private let number: UInt8

  /// The others are left out: the next tick is the next that is due, which is 5 s.
  public static let skip = MissedTicks(number: 0)

  /// None is left out: those of 3 s and 4 s come as soon as they are asked for, and then that of 5 s.
  public static let catchUp = MissedTicks(number: 1)

  /// The others are left out, and all later ticks are put off: the next one is due a period after the late one, at 5.5 s,
  /// then 6.5 s, and so on. It is the only choice with which ticks leave the multiples of the period.
  public static let delay = MissedTicks(number: 2)
}

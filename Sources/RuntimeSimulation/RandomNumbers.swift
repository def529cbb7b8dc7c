/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014): small, fast, and the
/// same on every platform.
struct RandomNumbers: RandomNumberGenerator {
  private var state: UInt64

  /// - Parameter purpose: a number for what is drawn, so that the same seed gives other numbers for another purpose.
  init(seed: UInt64, purpose: UInt64) { state = Self.hash(seed, purpose) }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return Self.mix(state)
  }

  /// Returns a number below `bound`. The bias is negligible because `bound` is small.
  mutating func index(below bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A bijection in which every output bit depends on every input bit.
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Returns a number that depends on all of `words` and on nothing else.
  static func hash(_ words: UInt64...) -> UInt64 {
    words.reduce(0x9e37_79b9_7f4a_7c15) { mix($0 &* 0xff51_afd7_ed55_8ccd &+ $1) }
  }
}

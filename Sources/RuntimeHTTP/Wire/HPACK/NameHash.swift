/// A hash of a field name for small tables, computed from its length and from eight bytes at either end.
///
/// The names are those of our own messages, and every table that uses this hash bounds the cost of collisions.
struct NameHash {
  private let product: UInt64

  @inline(__always)
  init(_ name: Span<UInt8>) {
    let raw = name.bytes
    let count = name.count
    var word = UInt64(count)
    if count >= 8 {
      let first = raw.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self)
      let last = raw.unsafeLoadUnaligned(fromByteOffset: count - 8, as: UInt64.self)
      word &+= first ^ (last &<< 29 | last &>> 35)
    } else if count >= 4 {
      let first = raw.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt32.self)
      let last = raw.unsafeLoadUnaligned(fromByteOffset: count - 4, as: UInt32.self)
      word &+= UInt64(first) ^ UInt64(last) &<< 29
    } else {
      for index in 0..<count { word = word &<< 8 | UInt64(name[index]) }
    }
    // An odd constant without a pattern. The upper bits of the product depend on the whole word.
    product = word &* 0x9E37_79B9_7F4A_7C15
  }

  /// Returns a number of `bits` bits.
  @inline(__always)
  func value(bits: Int) -> Int { Int(truncatingIfNeeded: product &>> UInt64(64 - bits)) }
}

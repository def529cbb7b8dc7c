/// A hash of a field's name, for small tables: of its length and eight bytes at either end, whatever lies between.
///
/// The names are those of our own messages, and every table that uses it bounds what names that hash alike can cost.
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
    // An odd number without a pattern; the upper bits of the product depend on all of the word.
    product = word &* 0x9E37_79B9_7F4A_7C15
  }

  /// A number of `bits` bits.
  @inline(__always)
  func value(bits: Int) -> Int { Int(truncatingIfNeeded: product &>> UInt64(64 - bits)) }
}

/// Integers that share their first byte with other bits (RFC 7541 section 5.1).
enum HPACKInteger {
  /// The largest number of bytes after the first. They reach 2^28, more than any index, length or table size here.
  private static let longestContinuation = 4

  /// Reads an integer whose first part is the lowest `prefix` bits of the byte at `position`.
  @inline(__always)
  static func decode(_ block: Span<UInt8>, at position: inout Int, prefix: Int) throws(HPACKError) -> Int {
    let mask = (1 << prefix) - 1
    let first = Int(block[position]) & mask
    position += 1
    return first < mask ? first : try decodeContinuation(block, at: &position, from: mask)
  }

  @inline(never)
  private static func decodeContinuation(
    _ block: Span<UInt8>, at position: inout Int, from mask: Int
  ) throws(HPACKError) -> Int {
    var value = mask
    for length in 0..<longestContinuation {
      guard position < block.count else { throw .truncated }
      let byte = block[position]
      position += 1
      value += Int(byte & 0x7F) << (7 * length)
      if byte & 0x80 == 0 { return value }
    }
    throw .integerTooLarge
  }

  /// Appends `value`, with its first part in the lowest `prefix` bits of a byte and `flags` in the others.
  @inline(__always)
  static func encode(_ value: Int, prefix: Int, flags: UInt8, into output: inout ByteBuffer) {
    let mask = (1 << prefix) - 1
    if value < mask {
      output.append(flags | UInt8(truncatingIfNeeded: value))
    } else {
      output.append(flags | UInt8(truncatingIfNeeded: mask))
      encodeContinuation(value - mask, into: &output)
    }
  }

  @inline(never)
  private static func encodeContinuation(_ rest: Int, into output: inout ByteBuffer) {
    var rest = rest
    while rest >= 0x80 {
      output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    output.append(UInt8(truncatingIfNeeded: rest))
  }
}

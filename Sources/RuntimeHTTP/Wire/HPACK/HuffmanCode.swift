/// The Huffman code of RFC 7541, section 5.2 and appendix B.
///
/// The code is canonical: codes of the same length are consecutive numbers in the order of their symbols, and continue
/// from the shorter ones. So only the lengths are written down, and the tables are computed from them once.
struct HuffmanCode: Sendable {
  static let shared = HuffmanCode()

  /// The lengths of the codes of the 256 bytes, in bits. EOS, the symbol after them, has 30, like the last of these.
  static let lengths: InlineArray<256, UInt8> = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  ]

  private static let shortest = 5
  private static let longest = 30
  /// The number of bits that are looked up at once when decoding. The codes of letters, digits and most punctuation are
  /// no longer.
  private static let lookup = 8

  /// The codes of the bytes, in the lower bits.
  private var codes = [UInt32](repeating: 0, count: 256)
  /// For each value of the next eight bits: the byte whose code they begin with, shifted left by eight, and the length
  /// of that code; 0 if the code is longer.
  private var prefixes = [UInt16](repeating: 0, count: 1 << lookup)
  /// The bytes in the order of their codes.
  private var symbols = [UInt8](repeating: 0, count: 256)
  /// For each length: the exclusive upper limit of 32 bits that begin with a code of at most that length.
  private var limits = [UInt64](repeating: 0, count: longest + 1)
  /// For each length: the difference between a byte's index in `symbols` and its code.
  private var offsets = [Int](repeating: 0, count: longest + 1)

  private init() {
    var code = 0
    var place = 0
    for length in Self.shortest...Self.longest {
      code <<= 1
      offsets[length] = place - code
      for byte in Self.lengths.indices where Int(Self.lengths[byte]) == length {
        codes[byte] = UInt32(truncatingIfNeeded: code)
        symbols[place] = UInt8(truncatingIfNeeded: byte)
        if length <= Self.lookup {
          let free = Self.lookup - length
          for rest in 0..<1 << free { prefixes[code << free | rest] = UInt16(byte) << 8 | UInt16(length) }
        }
        code += 1
        place += 1
      }
      limits[length] = UInt64(code) << UInt64(32 - length)
    }
  }

  /// Returns the number of bytes that `text` takes when encoded.
  @inline(__always)
  static func encodedLength(of text: Span<UInt8>) -> Int {
    var bits = 0
    for index in text.indices { bits &+= Int(lengths[Int(text[index])]) }
    return (bits + 7) / 8
  }

  /// Appends the encoded `text`.
  func encode(_ text: Span<UInt8>, into output: inout ByteBuffer) {
    var bits: UInt64 = 0
    var count = 0
    for index in text.indices {
      let byte = Int(text[index])
      let length = Int(Self.lengths[byte])
      bits = bits &<< length | UInt64(codes[byte])
      count += length
      while count >= 8 {
        count -= 8
        output.append(UInt8(truncatingIfNeeded: bits &>> count))
      }
    }
    // Section 5.2: the last byte is padded with the beginning of EOS, which is all ones.
    if count > 0 { output.append(UInt8(truncatingIfNeeded: bits &<< (8 - count)) | 0xFF &>> UInt8(count)) }
  }

  /// Appends the text that `input` encodes.
  func decode(_ input: Span<UInt8>, into output: inout ByteBuffer) throws(HPACKError) {
    // No code is shorter than five bits.
    output.reserve(input.count * 8 / Self.shortest)
    let raw = input.bytes
    /// Bits that have been read and not yet decoded: `count` bits, from the highest on.
    var bits: UInt64 = 0
    var count = 0
    var position = 0
    while true {
      if count < Self.longest {
        if position + 8 <= input.count {
          bits |= UInt64(bigEndian: raw.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)) &>> count
          // Only whole bytes are counted. The extra bits of the next byte will be read again, into the same place.
          position += (63 - count) / 8
          count |= 56
        } else {
          while count <= 56, position < input.count {
            bits |= UInt64(input[position]) &<< (56 - count)
            position += 1
            count += 8
          }
        }
      }
      let prefix = prefixes[Int(truncatingIfNeeded: bits &>> 56)]
      if prefix != 0 {
        let length = Int(prefix & 0xFF)
        guard length <= count else { break }
        output.append(UInt8(truncatingIfNeeded: prefix &>> 8))
        bits &<<= length
        count -= length
      } else {
        let (symbol, length) = try longSymbol(bits &>> 32)
        guard length <= count else { break }
        output.append(symbol)
        bits &<<= length
        count -= length
      }
    }
    // Section 5.2: the padding is shorter than a byte, and is the beginning of EOS.
    guard count < 8, ~bits &>> (64 - count) == 0 || count == 0 else { throw .invalidHuffmanCode }
  }

  /// Returns the symbol of the code that the lowest 32 bits begin with, if it is longer than the lookup.
  @inline(never)
  private func longSymbol(_ bits: UInt64) throws(HPACKError) -> (symbol: UInt8, length: Int) {
    for length in Self.lookup + 1...Self.longest where bits < limits[length] {
      return (symbols[Int(bits &>> UInt64(32 - length)) + offsets[length]], length)
    }
    // Only EOS is past the last limit, and a string must not contain it.
    throw .invalidHuffmanCode
  }
}

import Testing

@testable import RuntimeHTTP

@Suite struct HuffmanCodeTests {
  /// One code of each length, as in appendix B.
  @Test(arguments: [
    (UInt8(ascii: "0"), "00000"), (UInt8(ascii: "t"), "01001"), (UInt8(ascii: " "), "010100"),
    (UInt8(ascii: "u"), "101101"), (UInt8(ascii: ":"), "1011100"), (UInt8(ascii: "z"), "1111011"),
    (UInt8(ascii: "&"), "11111000"), (UInt8(ascii: "Z"), "11111101"), (UInt8(ascii: "!"), "1111111000"),
    (UInt8(ascii: "?"), "1111111100"), (UInt8(ascii: "'"), "11111111010"), (UInt8(ascii: "#"), "111111111010"),
    (0x00, "1111111111000"), (UInt8(ascii: "^"), "11111111111100"), (UInt8(ascii: "{"), "111111111111110"),
    (UInt8(ascii: "\\"), "1111111111111110000"), (0x80, "11111111111111100110"), (0x99, "111111111111111011100"),
    (0x81, "1111111111111111010010"), (0x01, "11111111111111111011000"), (0x09, "111111111111111111101010"),
    (0xC7, "1111111111111111111101100"), (0xC0, "11111111111111111111100000"),
    (0xCB, "111111111111111111111011110"), (0x02, "1111111111111111111111100010"),
    (0x0A, "111111111111111111111111111100"), (0x16, "111111111111111111111111111110"),
  ])
  func `7541 B - codes are those of the table`(_ symbol: UInt8, _ bits: String) throws {
    #expect(bits.utf8.count == Int(HuffmanCode.lengths[Int(symbol)]))
    #expect(encode([symbol]) == padded(bits))
    #expect(try decode(padded(bits)) == [symbol])
  }

  @Test func `7541 B - all 256 symbols decode to themselves, alone, in pairs and together`() throws {
    let all = Array(UInt8.min...UInt8.max)
    for first in all {
      #expect(try decode(encode([first])) == [first])
      for second in all where try decode(encode([first, second])) != [first, second] {
        Issue.record("\(first), \(second)")
      }
    }
    #expect(try decode(encode(all + all.reversed())) == all + all.reversed())
  }

  @Test func `the predicted length is the encoded length`() {
    for length in 0...40 {
      let text = (0..<length).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ length) }
      #expect(HuffmanCode.encodedLength(of: text.span) == encode(text).count)
    }
  }

  @Test func `7541 5_2 - padding is the beginning of EOS`() throws {
    // Codes of five bits, so that every number of padding bits occurs.
    for count in 0...8 {
      let code = String(repeating: "00011", count: count)
      let free = (8 - code.count % 8) % 8
      #expect(try decode(padded(code)) == Array(repeating: UInt8(ascii: "a"), count: count))
      for wrong in 0..<(1 << free) - 1 {
        let digits = String(wrong, radix: 2)
        let bits = code + String(repeating: "0", count: free - digits.count) + digits
        // Bits that are long enough for a code may be one.
        guard free < 5 else { continue }
        #expect(throws: HPACKError.invalidHuffmanCode, "\(bits)") { try decode(padded(bits)) }
      }
    }
  }

  @Test(arguments: [
    ("a byte of padding", "00011111 11111111"),
    ("padding alone", "11111111"),
    ("four bytes of padding, which is EOS", "11111111 11111111 11111111 11111111"),
    ("EOS after a symbol", "00011 11111111 11111111 11111111 111111 00011"),
    ("EOS at the end", "00011 11111111 11111111 11111111 111111"),
    ("a code that is cut off", "11111111 11111110"),
  ])
  func `7541 5_2 - malformed codes are refused`(_ name: String, _ bits: String) {
    #expect(throws: HPACKError.invalidHuffmanCode, "\(name)") { try decode(padded(bits)) }
  }

  private func encode(_ text: [UInt8]) -> [UInt8] {
    var output = ByteBuffer(capacity: 0)
    HuffmanCode.shared.encode(text.span, into: &output)
    return Array(output.contents)
  }

  private func decode(_ code: [UInt8]) throws -> [UInt8] {
    var output = ByteBuffer(capacity: 0)
    try HuffmanCode.shared.decode(code.span, into: &output)
    return Array(output.contents)
  }

  /// The bytes of `bits`, padded with ones.
  private func padded(_ bits: String) -> [UInt8] {
    let digits = bits.utf8.filter { $0 != UInt8(ascii: " ") }.map { $0 & 1 }
    return stride(from: 0, to: digits.count, by: 8).map { start in
      (start..<start + 8).reduce(0) { $0 << 1 | ($1 < digits.count ? digits[$1] : 1) }
    }
  }
}

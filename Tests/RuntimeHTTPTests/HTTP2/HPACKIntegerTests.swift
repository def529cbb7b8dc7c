import Testing

@testable import RuntimeHTTP

@Suite struct HPACKIntegerTests {
  @Test(arguments: 1...8)
  func `7541 5_1 - integers around every boundary decode to themselves`(_ prefix: Int) throws {
    let mask = (1 << prefix) - 1
    let boundaries = [0, mask, mask + 0x80, mask + 0x4000, mask + 0x20_0000, mask + 0x1000_0000]
    for value in boundaries.flatMap({ [$0 - 1, $0, $0 + 1] }) where value >= 0 && value < mask + 0x1000_0000 {
      var output = ByteBuffer(capacity: 8)
      let flags = UInt8(truncatingIfNeeded: 0xFF << prefix)
      HPACKInteger.encode(value, prefix: prefix, flags: flags, into: &output)
      let bytes = Array(output.contents)
      #expect(bytes[0] & flags == flags)
      #expect(try decode(bytes, prefix: prefix) == value)
      for length in 1..<bytes.count {
        #expect(throws: HPACKError.truncated) { try decode(Array(bytes[..<length]), prefix: prefix) }
      }
    }
  }

  @Test(arguments: [
    ("the largest", "1fffffff7f", 0x1000_0000 + 30),
    ("redundant zeros", "1f80808000", 31),
    ("other bits of the first byte", "ea", 10),
  ])
  func `7541 5_1 - integers up to the largest are decoded`(_ name: String, _ hex: String, _ value: Int) throws {
    #expect(try decode(Array(hex: hex), prefix: 5) == value, "\(name)")
  }

  @Test(arguments: [
    ("beyond the largest", "1f8080808001"), ("too many bytes, all of them zero", "1f8080808000"),
    ("beyond 64 bits", "1fffffffffffffffffffffffff7f"),
  ])
  func `7541 5_1 - integers that are too long are refused`(_ name: String, _ hex: String) throws {
    #expect(throws: HPACKError.integerTooLarge, "\(name)") { try decode(Array(hex: hex), prefix: 5) }
  }

  private func decode(_ bytes: [UInt8], prefix: Int) throws -> Int {
    var position = 0
    let value = try HPACKInteger.decode(bytes.span, at: &position, prefix: prefix)
    #expect(position == bytes.count)
    return value
  }
}

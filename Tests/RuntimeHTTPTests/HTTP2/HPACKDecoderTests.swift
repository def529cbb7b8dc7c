import Testing

@testable import RuntimeHTTP

@Suite struct HPACKDecoderTests {
  @Test(arguments: [
    ("6.1: index 0", "80", HPACKError.invalidIndex),
    ("2.3.3: an index beyond the static table, with an empty dynamic table", "be", .invalidIndex),
    ("2.3.3: an index in several bytes beyond both tables", "ffe007", .invalidIndex),
    ("6.2.1: a name beyond both tables", "7e0161", .invalidIndex),
    ("6.2.2: a name beyond both tables", "0f2f0161", .invalidIndex),
    ("6.2.3: a name beyond both tables", "1f2f0161", .invalidIndex),
    ("5.1: an index that does not end", "ff", .truncated),
    ("5.1: an index that is too large", "ffffffffff7f", .integerTooLarge),
    ("5.2: no name", "40", .truncated),
    ("5.2: a part of a name", "4002", .truncated),
    ("5.2: no value", "400161", .truncated),
    ("5.2: no value for a name of the table", "41", .truncated),
    ("5.2: a part of a value", "41026f", .truncated),
    ("5.2: a length that does not end", "417f", .truncated),
    ("5.2: a length that is too large", "417fffffffff7f", .integerTooLarge),
    ("5.2: a length beyond the end of the block", "417f8080800161", .truncated),
    ("5.2: a Huffman code padded with zeros", "418118", .invalidHuffmanCode),
    ("5.2: a Huffman code padded with a byte", "41821fff", .invalidHuffmanCode),
    ("5.2: EOS", "4184ffffffff", .invalidHuffmanCode),
    ("5.2: a name with EOS", "4084ffffffff0161", .invalidHuffmanCode),
    ("4.2: a size update after a line", "8220", .misplacedSizeUpdate),
    ("6.3: a size beyond the limit", "3fe21f", .sizeUpdateTooLarge),
    ("6.3: a second size beyond the limit", "203fe21f", .sizeUpdateTooLarge),
    ("6.3: a size update that does not end", "3fe1", .truncated),
  ])
  func `7541 - malformed blocks are refused`(_ name: String, _ hex: String, _ error: HPACKError) {
    var decoder = HPACKDecoder()
    let result = Result { () throws(HPACKError) in try decoder.decode(Array(hex: hex)) }
    #expect(result == .failure(error), "\(name)")
  }

  @Test(arguments: [
    ("an empty block", "", []),
    ("5.2: an empty name and an empty value", "400000", [HeaderLine("", "")]),
    ("5.2: empty Huffman codes", "408080", [HeaderLine("", "")]),
    ("6.1: the last entry of the static table", "bd", [HeaderLine("www-authenticate", "")]),
    ("6.1: the index of the line before", "4001610162be", [HeaderLine("a", "b"), HeaderLine("a", "b")]),
    ("6.2.1: the name of the line before", "4001610162 7e0163", [HeaderLine("a", "b"), HeaderLine("a", "c")]),
    ("6.2.2: a value with every kind of byte", "0402ff00", [HeaderLine(name: Array(":path".utf8), value: [0xFF, 0])]),
    ("6.3: the current size", "3fe11f82", [HeaderLine(":method", "GET")]),
    ("4.2: several size updates", "203f0120 3fe11f82", [HeaderLine(":method", "GET")]),
  ])
  func `7541 - valid blocks are decoded`(_ name: String, _ hex: String, _ lines: [HeaderLine]) throws {
    var decoder = HPACKDecoder()
    #expect(try decoder.decode(Array(hex: hex)) == lines, "\(name)")
  }

  @Test func `7541 2_3_2 - a line without indexing is not added to the table`() throws {
    var decoder = HPACKDecoder()
    let lines = try decoder.decode(Array(hex: "0001610162 1001630164 4001650166"))
    #expect(lines == [HeaderLine("a", "b"), HeaderLine("c", "d", isSensitive: true), HeaderLine("e", "f")])
    #expect(decoder.table.lines == ["e: f"])
  }

  @Test func `7541 4_2 - after settings that shrink the table the next block has to shrink it`() throws {
    var decoder = HPACKDecoder()
    _ = try decoder.decode(Array(hex: "4001610162 4001630164"))
    decoder.setMaximumTableSize(40)
    #expect(try decoder.decode(Array(hex: "3f0982be")) == [HeaderLine(":method", "GET"), HeaderLine("c", "d")])
    #expect(decoder.table.lines == ["c: d"])
    // Further blocks need no size update.
    #expect(try decoder.decode(Array(hex: "be")) == [HeaderLine("c", "d")])
  }

  @Test(arguments: [
    ("no size update", "82"), ("an empty block", ""), ("a size that is too large", "3f0a82"),
    ("a size that is small enough only later", "3f2120"),
  ])
  func `7541 4_2 - a block that does not shrink the table is refused`(_ name: String, _ hex: String) {
    var decoder = HPACKDecoder()
    decoder.setMaximumTableSize(40)
    decoder.setMaximumTableSize(4096)
    let result = Result { () throws(HPACKError) in try decoder.decode(Array(hex: hex)) }
    #expect(result == .failure(.missingSizeUpdate), "\(name)")
  }

  @Test func `7541 4_2 - a table that shrinks and grows again loses its entries`() throws {
    var decoder = HPACKDecoder()
    _ = try decoder.decode(Array(hex: "4001610162"))
    decoder.setMaximumTableSize(0)
    decoder.setMaximumTableSize(8192)
    #expect(try decoder.decode(Array(hex: "20 3fe13f 82")) == [HeaderLine(":method", "GET")])
    #expect(decoder.table.lines == [])
    #expect(decoder.table.maximumSize == 8192)
  }

  @Test func `7541 4_2 - a limit that the table does not exceed needs no size update`() throws {
    var decoder = HPACKDecoder()
    _ = try decoder.decode(Array(hex: "3f45"))
    decoder.setMaximumTableSize(200)
    #expect(try decoder.decode(Array(hex: "82")) == [HeaderLine(":method", "GET")])
    #expect(decoder.table.maximumSize == 100)
  }

  @Test func `7541 4_4 - an entry may take its name from the entry that it evicts`() throws {
    var decoder = HPACKDecoder(maximumTableSize: 40)
    _ = try decoder.decode(Array(hex: "4003616263023132"))
    #expect(try decoder.decode(Array(hex: "7e023334")) == [HeaderLine("abc", "34")])
    #expect(decoder.table.lines == ["abc: 34"])
  }

  @Test func `7541 4_4 - an entry larger than the table empties it, and its line is decoded`() throws {
    var decoder = HPACKDecoder(maximumTableSize: 40)
    _ = try decoder.decode(Array(hex: "4003616263023132"))
    #expect(
      try decoder.decode(Array(hex: "7e09303132333435363738")) == [HeaderLine("abc", "012345678")])
    #expect(decoder.table.lines == [])
    #expect(decoder.table.size == 0)
  }

  @Test func `a block that is cut off gives its first lines, or is truncated`() throws {
    for whole in HPACKSamples.blocks {
      var decoder = HPACKDecoder()
      let lines = try decoder.decode(whole)
      var partial = 0
      for length in 0..<whole.count {
        var decoder = HPACKDecoder()
        do throws(HPACKError) {
          let first = try decoder.decode(Array(whole[..<length]))
          #expect(first == Array(lines.prefix(first.count)))
          partial += 1
        } catch {
          #expect(error == .truncated)
        }
      }
      #expect(partial == lines.count)
    }
  }

  @Test func `9113 10_5_1 - a small block that decodes to large lines is not copied`() throws {
    struct Total {
      var lines = 0
      var size = 0
    }
    var decoder = HPACKDecoder()
    // One line that fills the table, then its index many times.
    let value = [UInt8](repeating: UInt8(ascii: "x"), count: 4096 - 32 - 1)
    var block = ByteBuffer(capacity: 0)
    for byte in Array(hex: "400161") { block.append(byte) }
    HPACKInteger.encode(value.count, prefix: 7, flags: 0, into: &block)
    block.append(value.span)
    for _ in 0..<16_384 { block.append(0xBE) }
    var total = Total()
    let bytes = block.contents
    try decoder.decode(bytes.span, into: &total) { total, name, value, _ in
      total.lines += 1
      total.size += name.count + value.count + 32
    }
    #expect(total.lines == 16_385)
    #expect(total.size == 16_385 * 4096)
    #expect(decoder.table.size == 4096)
  }

  @Test func `random bytes are decoded or refused`() {
    var generator = SeededGenerator(state: 7541)
    for _ in 0..<20_000 {
      var decoder = HPACKDecoder()
      var block = HPACKSamples.blocks.randomElement(using: &generator) ?? []
      for _ in 0..<Int.random(in: 1...4, using: &generator) { HPACKSamples.mutate(&block, using: &generator) }
      // Several blocks on one connection, so that a block also meets the table entries of the one before.
      for block in [block, HPACKSamples.blocks[0], block] {
        guard let lines = try? decoder.decode(block) else { break }
        #expect(decoder.table.size <= decoder.table.maximumSize)
        // Decoded lines can be encoded, and decode to the same again.
        var encoder = HPACKEncoder()
        var second = HPACKDecoder()
        let expected = lines.map { HeaderLine(name: $0.name.map(\.lowercased), value: $0.value) }
        let found = try? second.decode(encoder.encode(lines)).map { HeaderLine(name: $0.name, value: $0.value) }
        #expect(found == expected)
      }
    }
  }
}

/// First blocks of a connection, with all kinds of lines.
enum HPACKSamples {
  static let blocks: [[UInt8]] = [
    "8286 84 41 8cf1e3c2e5f23a6ba0ab90f4ff",
    "400a637573746f6d2d6b65790d637573746f6d2d686561646572 040c2f73616d706c652f70617468 100870617373776f726406736563726574",
    """
    488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3
    c1c0bfbe 7e0161 be
    """,
    // Codes of up to thirty bits, and indices in two bytes.
    "0084ffffffef84fffffff3 0f0d0131 4001610162 4001630164 7f0082188f be",
  ].map { Array(hex: $0) }

  static func mutate(_ block: inout [UInt8], using generator: inout SeededGenerator) {
    let index = Int.random(in: 0...block.count, using: &generator)
    let byte = UInt8.random(in: .min ... .max, using: &generator)
    switch UInt8.random(in: 0..<6, using: &generator) {
    case 0: block.insert(byte, at: index)
    case 1 where index < block.count: block[index] = byte
    case 2 where index < block.count: block[index] ^= 1 << (byte & 7)
    case 3 where index < block.count: block.remove(at: index)
    case 4: block.removeLast(block.count - index)
    default: block.insert(contentsOf: block[index...], at: index)
    }
  }
}

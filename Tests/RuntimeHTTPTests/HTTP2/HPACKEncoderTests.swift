import Testing

@testable import RuntimeHTTP

@Suite struct HPACKEncoderTests {
  static let response = [
    HeaderLine(":status", "200"), HeaderLine("content-type", "text/html; charset=utf-8"),
    HeaderLine("content-length", "12"), HeaderLine("date", "Mon, 21 Oct 2013 20:13:21 GMT"),
    HeaderLine("server", "gearbox"), HeaderLine("x-frame-options", "DENY"),
  ]

  @Test func `a repeated response takes one index per line, except for its length`() throws {
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder()
    #expect(try decoder.decode(encoder.encode(Self.response)) == Self.response)
    let again = encoder.encode(Self.response)
    #expect(again.hex == "88" + "c1" + "0f0d023132" + "c0" + "bf" + "be")
    #expect(try decoder.decode(again) == Self.response)
  }

  @Test func `a new date is a literal once, and evicts nothing else`() throws {
    var encoder = HPACKEncoder()
    var lines = Self.response
    _ = encoder.encode(lines)
    lines[3] = HeaderLine("date", "Mon, 21 Oct 2013 20:13:22 GMT")
    #expect(encoder.encode(lines).count == 33)
    #expect(encoder.encode(lines).count == 10)
    #expect(encoder.table.count == 5)
  }

  @Test(arguments: ["authorization", "cookie", "proxy-authorization", "set-cookie"])
  func `7541 7_1_3 - credentials are never indexed, by this encoder or an intermediary`(_ name: String) throws {
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder()
    let line = HeaderLine(name, "a secret that is not all that short")
    for _ in 0..<2 {
      let lines = try decoder.decode(encoder.encode([line]))
      #expect(lines == [HeaderLine(name: line.name, value: line.value, isSensitive: true)])
    }
    #expect(encoder.table.count == 0)
  }

  @Test(arguments: ["content-length", "etag", "last-modified", "location", ":path"])
  func `a field that is specific to one message is not indexed`(_ name: String) throws {
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder()
    let line = HeaderLine(name, "12345678")
    for _ in 0..<2 { #expect(try decoder.decode(encoder.encode([line])) == [line]) }
    #expect(encoder.table.count == 0)
  }

  @Test func `at most eight values of a name are indexed`() throws {
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder()
    for number in 0..<20 {
      let line = HeaderLine("x-request-id", "\(number)")
      #expect(try decoder.decode(encoder.encode([line])) == [line])
    }
    #expect(encoder.table.count == 8)
    // The name has index 62, so it is not spelled out.
    #expect(encoder.encode([HeaderLine("x-request-id", "*")]).hex == "0f2f012a")
    #expect(encoder.encode([HeaderLine("x-request-id", "7")]).hex == "be")
  }

  @Test func `a name is indexed again when other entries have evicted its values`() throws {
    var encoder = HPACKEncoder(maximumTableSize: 1024)
    for number in 0..<10 { _ = encoder.encode([HeaderLine("x-a", "\(number)")]) }
    for number in 0..<8 { _ = encoder.encode([HeaderLine("x-\(number)", String(repeating: "b", count: 80))]) }
    _ = encoder.encode([HeaderLine("x-a", "10")])
    #expect(encoder.table.lines.first == "x-a: 10")
  }

  @Test func `a line that takes more than half of the table is not indexed`() throws {
    var encoder = HPACKEncoder()
    _ = encoder.encode([HeaderLine("x-large", String(repeating: "a", count: 2048 - 32 - 7))])
    #expect(encoder.table.count == 1)
    _ = encoder.encode([HeaderLine("x-large", String(repeating: "a", count: 2048 - 32 - 6))])
    #expect(encoder.table.count == 1)
  }

  @Test func `the caller may choose the indexing`() throws {
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder()
    let line = HeaderLine("server", "gearbox")
    let secret = HeaderLine("server", "gearbox", isSensitive: true)
    #expect(try decoder.decode(encoder.encode([line], indexing: .without)) == [line])
    #expect(encoder.table.count == 0)
    #expect(try decoder.decode(encoder.encode([line], indexing: .incremental)) == [line])
    #expect(encoder.table.lines == ["server: gearbox"])
    // A sensitive line is a literal, although the dynamic or static table has it.
    let method = HeaderLine(":method", "GET", isSensitive: true)
    #expect(try decoder.decode(encoder.encode([secret, method])) == [secret, method])
    #expect(try decoder.decode(encoder.encode([line, HeaderLine("etag", "a")], indexing: .incremental)).count == 2)
    #expect(decoder.table.lines == ["etag: a", "server: gearbox"])
  }

  @Test func `9113 8_2_1 - names are sent in lower case, and found in any case`() throws {
    var encoder = HPACKEncoder()
    var decoder = HPACKDecoder()
    let lines = [HeaderLine("Content-Type", "Text/HTML"), HeaderLine("X-Frame-OPTIONS", "DENY")]
    let lowercased = [HeaderLine("content-type", "Text/HTML"), HeaderLine("x-frame-options", "DENY")]
    #expect(try decoder.decode(encoder.encode(lines)) == lowercased)
    #expect(encoder.encode(lowercased).hex == "bfbe")
    #expect(encoder.encode(lines).hex == "bfbe")
  }

  @Test(arguments: [
    (200, "88"), (204, "89"), (206, "8a"), (304, "8b"), (400, "8c"), (404, "8d"), (500, "8e"),
    (503, "48" + "03" + "353033"), (101, "48" + "82" + "0803"),
  ])
  func `7541 A - statuses use the static table`(_ code: Int, _ hex: String) throws {
    var encoder = HPACKEncoder()
    var output = ByteBuffer(capacity: 0)
    encoder.encode(status: code, into: &output)
    #expect(Array(output.contents).hex == hex)
  }

  @Test func `7541 5_2 - a text is Huffman-encoded only if that makes it shorter`() throws {
    var encoder = HPACKEncoder()
    // Their codes take at least 13 bits per character, or as many bytes as the text.
    for (value, hex) in [("^^^", "035e5e5e"), ("307", "03333037"), ("aaa", "8218c7"), ("a", "0161")] {
      #expect(encoder.encode([HeaderLine("etag", value)]).hex == "0f13" + hex)
    }
  }

  @Test(arguments: [
    ("nothing", [], ""), ("the current size", [4096], ""), ("more than the encoder's limit", [65_536], ""),
    ("less", [100], "3f45"), ("less, then even less", [100, 50], "3f13"), ("zero", [0], "20"),
    ("less, then more again", [100, 200], "3f45 3fa901"), ("less, then as before", [0, 4096], "20 3fe11f"),
    ("less, even less, then more", [200, 100, 150], "3f45 3f77"),
  ])
  func `7541 4_2 - a block begins with the changes of the table's size`(
    _ name: String, _ sizes: [Int], _ hex: String
  ) throws {
    var encoder = HPACKEncoder()
    _ = encoder.encode([HeaderLine("server", "gearbox")])
    for size in sizes { encoder.setMaximumTableSize(size) }
    let block = encoder.encode([HeaderLine(":method", "GET")])
    #expect(block == Array(hex: hex) + [0x82], "\(name)")
    #expect(encoder.encode([HeaderLine(":method", "GET")]) == [0x82], "\(name)")
    #expect(encoder.table.count == ((sizes.min() ?? 4096) >= 45 ? 1 : 0), "\(name)")
    #expect(encoder.table.maximumSize == min(sizes.last ?? 4096, 4096), "\(name)")
  }

  @Test func `7541 4_2 - an encoder with less than the default memory sends a size update`() {
    var encoder = HPACKEncoder(maximumTableSize: 100)
    #expect(encoder.encode([HeaderLine(":method", "GET")]) == Array(hex: "3f45 82"))
    encoder.setMaximumTableSize(50)
    #expect(encoder.encode([HeaderLine(":method", "GET")]) == Array(hex: "3f13 82"))
  }

  @Test func `7541 4_2 - an encoder with more memory uses it when the peer allows it`() {
    var encoder = HPACKEncoder(maximumTableSize: 8192)
    #expect(encoder.encode([HeaderLine(":method", "GET")]) == [0x82])
    #expect(encoder.table.maximumSize == 4096)
    encoder.setMaximumTableSize(65_536)
    #expect(encoder.encode([HeaderLine(":method", "GET")]) == Array(hex: "3fe13f 82"))
    #expect(encoder.table.maximumSize == 8192)
  }

  @Test func `encoded lines decode to themselves, and the tables of both sides stay equal`() throws {
    var generator = SeededGenerator(state: 7541)
    for _ in 0..<50 {
      var encoder = HPACKEncoder(maximumTableSize: [0, 64, 256, 4096].randomElement(using: &generator) ?? 0)
      var decoder = HPACKDecoder(maximumTableSize: 4096)
      for _ in 0..<100 {
        if Int.random(in: 0..<10, using: &generator) == 0 {
          let size = Int.random(in: 0...4096, using: &generator)
          encoder.setMaximumTableSize(size)
        }
        let lines = (0..<Int.random(in: 0..<12, using: &generator)).map { _ in Self.line(using: &generator) }
        let indexing = [HPACKIndexing?.none, nil, .incremental, .without].randomElement(using: &generator) ?? nil
        let found = try decoder.decode(encoder.encode(lines, indexing: indexing))
        #expect(found.map(\.name) == lines.map(\.name))
        #expect(found.map(\.value) == lines.map(\.value))
        if !lines.isEmpty { #expect(encoder.table.lines == decoder.table.lines) }
      }
    }
  }

  /// A line with one of few names and few values, so that lines repeat, and sometimes a line of arbitrary bytes.
  private static func line(using generator: inout SeededGenerator) -> HeaderLine {
    let names = ["server", "date", "content-type", "x-a", "x-b", "etag", "set-cookie", ":path", "accept-encoding", ""]
    let values = ["", "/", "gzip, deflate", "a", "b", "c", String(repeating: "d", count: 300)]
    if Int.random(in: 0..<8, using: &generator) == 0 {
      let bytes = (0..<Int.random(in: 0..<40, using: &generator)).map { _ in
        UInt8.random(in: .min ... .max, using: &generator)
      }
      return HeaderLine(name: bytes.map(\.lowercased), value: bytes, isSensitive: bytes.count % 5 == 0)
    }
    let number = Int.random(in: 0..<20, using: &generator)
    return HeaderLine(
      names.randomElement(using: &generator) ?? "",
      number < 12 ? "\(number)" : values.randomElement(using: &generator) ?? "")
  }
}

import Testing

@testable import RuntimeHTTP

/// The examples of RFC 7541, appendix C: the bytes, their lines, and the dynamic table afterwards.
@Suite struct HPACKExampleTests {
  struct Example: Sendable, CustomTestStringConvertible {
    var section: String
    var block: String
    var lines: [HeaderLine]
    var table: [String]
    var size: Int

    var testDescription: String { section }
  }

  @Test(arguments: [
    ("C.1.1: 10 in a prefix of 5 bits", 10, 5, "0a"),
    ("C.1.2: 1337 in a prefix of 5 bits", 1337, 5, "1f9a0a"),
    ("C.1.3: 42 from the beginning of a byte", 42, 8, "2a"),
  ])
  func `7541 C_1 - integers match the examples`(_ name: String, _ value: Int, _ prefix: Int, _ hex: String) throws {
    var output = ByteBuffer(capacity: 8)
    HPACKInteger.encode(value, prefix: prefix, flags: 0, into: &output)
    #expect(Array(output.contents).hex == hex)
    var position = 0
    let bytes = Array(output.contents)
    #expect(try HPACKInteger.decode(bytes.span, at: &position, prefix: prefix) == value)
    #expect(position == bytes.count)
  }

  @Test(arguments: [
    Example(
      section: "C.2.1: a literal with indexing",
      block: "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
      lines: [HeaderLine("custom-key", "custom-header")], table: ["custom-key: custom-header"], size: 55),
    Example(
      section: "C.2.2: a literal without indexing", block: "040c 2f73 616d 706c 652f 7061 7468",
      lines: [HeaderLine(":path", "/sample/path")], table: [], size: 0),
    Example(
      section: "C.2.3: a literal never indexed", block: "1008 7061 7373 776f 7264 0673 6563 7265 74",
      lines: [HeaderLine("password", "secret", isSensitive: true)], table: [], size: 0),
    Example(section: "C.2.4: an index", block: "82", lines: [HeaderLine(":method", "GET")], table: [], size: 0),
  ])
  func `7541 C_2 - representations are encoded and decoded as in the examples`(_ example: Example) throws {
    var decoder = HPACKDecoder()
    try check(&decoder, example)
  }

  static let requestsLines: [[HeaderLine]] = [
    [
      HeaderLine(":method", "GET"), HeaderLine(":scheme", "http"), HeaderLine(":path", "/"),
      HeaderLine(":authority", "www.example.com"),
    ],
    [
      HeaderLine(":method", "GET"), HeaderLine(":scheme", "http"), HeaderLine(":path", "/"),
      HeaderLine(":authority", "www.example.com"), HeaderLine("cache-control", "no-cache"),
    ],
    [
      HeaderLine(":method", "GET"), HeaderLine(":scheme", "https"), HeaderLine(":path", "/index.html"),
      HeaderLine(":authority", "www.example.com"), HeaderLine("custom-key", "custom-value"),
    ],
  ]

  /// The table after each request.
  static let requestsTables = [
    [":authority: www.example.com"],
    ["cache-control: no-cache", ":authority: www.example.com"],
    ["custom-key: custom-value", "cache-control: no-cache", ":authority: www.example.com"],
  ]

  static func requests(_ section: String, _ blocks: [String]) -> [Example] {
    blocks.indices.map {
      Example(
        section: "\(section).\($0 + 1)", block: blocks[$0], lines: requestsLines[$0], table: requestsTables[$0],
        size: [57, 110, 164][$0])
    }
  }

  @Test func `7541 C_3 - requests without Huffman codes are decoded as in the examples`() throws {
    var decoder = HPACKDecoder()
    let examples = Self.requests(
      "C.3",
      [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
      ])
    for example in examples { try check(&decoder, example) }
  }

  @Test func `7541 C_4 - requests with Huffman codes are encoded and decoded as in the examples`() throws {
    var decoder = HPACKDecoder()
    var encoder = HPACKEncoder()
    let examples = Self.requests(
      "C.4",
      [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
      ])
    for example in examples {
      try check(&decoder, example)
      let block = encoder.encode(example.lines)
      #expect(block == Array(hex: example.block), "\(example.section)")
      expectTable(encoder.table.lines, encoder.table.size, example)
    }
  }

  static let cookie = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"

  static let responsesLines: [[HeaderLine]] = [
    [
      HeaderLine(":status", "302"), HeaderLine("cache-control", "private"),
      HeaderLine("date", "Mon, 21 Oct 2013 20:13:21 GMT"), HeaderLine("location", "https://www.example.com"),
    ],
    [
      HeaderLine(":status", "307"), HeaderLine("cache-control", "private"),
      HeaderLine("date", "Mon, 21 Oct 2013 20:13:21 GMT"), HeaderLine("location", "https://www.example.com"),
    ],
    [
      HeaderLine(":status", "200"), HeaderLine("cache-control", "private"),
      HeaderLine("date", "Mon, 21 Oct 2013 20:13:22 GMT"), HeaderLine("location", "https://www.example.com"),
      HeaderLine("content-encoding", "gzip"), HeaderLine("set-cookie", cookie),
    ],
  ]

  /// The table, of 256 bytes, after each response.
  static let responsesTables = [
    [
      "location: https://www.example.com", "date: Mon, 21 Oct 2013 20:13:21 GMT", "cache-control: private",
      ":status: 302",
    ],
    [
      ":status: 307", "location: https://www.example.com", "date: Mon, 21 Oct 2013 20:13:21 GMT",
      "cache-control: private",
    ],
    ["set-cookie: \(cookie)", "content-encoding: gzip", "date: Mon, 21 Oct 2013 20:13:22 GMT"],
  ]

  static func responses(_ section: String, _ blocks: [String]) -> [Example] {
    blocks.indices.map {
      Example(
        section: "\(section).\($0 + 1)", block: blocks[$0], lines: responsesLines[$0], table: responsesTables[$0],
        size: [222, 222, 215][$0])
    }
  }

  @Test func `7541 C_5 - responses without Huffman codes are decoded, with evictions`() throws {
    var decoder = HPACKDecoder(maximumTableSize: 256)
    let examples = Self.responses(
      "C.5",
      [
        """
        4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3120 474d
        546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d
        """,
        "4803 3330 37c1 c0bf",
        """
        88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 677a 6970 7738 666f
        6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b
        2076 6572 7369 6f6e 3d31
        """,
      ])
    for example in examples { try check(&decoder, example) }
  }

  @Test func `7541 C_6 - responses with Huffman codes are encoded and decoded, with evictions`() throws {
    var decoder = HPACKDecoder(maximumTableSize: 256)
    var encoder = HPACKEncoder(maximumTableSize: 256)
    let examples = Self.responses(
      "C.6",
      [
        """
        4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e 919d 29ad 1718 63c7
        8f0b 97c8 e9ae 82ae 43d3
        """,
        "4883 640e ffc1 c0bf",
        """
        88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 821d d7f2 e6c7 b335
        dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed 4ee5 b106 3d50 07
        """,
      ])
    for example in examples {
      try check(&decoder, example)
      let expected =
        switch example.section {
        // The RFC assumes that both ends know the size of 256 bytes. Our encoder sends it first.
        case "C.6.1": "3fe101" + example.block
        // The code of 307 is as long as its text. The RFC uses the code. Our encoder uses the text, as in C.5.2.
        case "C.6.2": "4803 3330 37c1 c0bf"
        default: example.block
        }
      // Every line is indexed here, also those that our encoder would not index by itself.
      let block = encoder.encode(example.lines, indexing: .incremental)
      #expect(block == Array(hex: expected), "\(example.section)")
      expectTable(encoder.table.lines, encoder.table.size, example)
    }
  }

  private func check(_ decoder: inout HPACKDecoder, _ example: Example) throws {
    let lines = try decoder.decode(Array(hex: example.block))
    #expect(lines == example.lines, "\(example.section)")
    expectTable(decoder.table.lines, decoder.table.size, example)
  }

  private func expectTable(_ lines: [String], _ size: Int, _ example: Example) {
    #expect(lines == example.table, "\(example.section)")
    #expect(size == example.size, "\(example.section)")
  }
}

import Testing

@testable import notes_service

@Suite struct NotesJSONTests {
  private static func parse(_ text: String) throws(JSON.Malformed) -> JSON { try JSON(Array(text.utf8)) }

  @Test(arguments: [
    (" null ", JSON.null), ("true", .bool(true)), ("\tfalse\r\n", .bool(false)), ("0", .number(0)), ("-0", .number(0)),
    ("12", .number(12)), ("-1.5", .number(-1.5)), ("1e3", .number(1000)), ("2E-2", .number(0.02)),
    ("1.25e+2", .number(125)), ("\"\"", .string("")), ("\"a\"", .string("a")), ("\"ü\u{1F600}\"", .string("ü😀")),
    (#""\"\\\/\b\f\n\r\t""#, .string("\"\\/\u{8}\u{C}\n\r\t")), (#""\u00fc\u00FC\u0000""#, .string("üü\0")),
    (#""\ud83d\ude00""#, .string("😀")), ("[]", .array([])), ("[ ]", .array([])),
    ("[1, [2] ]", .array([.number(1), .array([.number(2)])])), ("{}", .object([:])),
    (#"{ "a" : 1 , "b" : {} }"#, .object(["a": .number(1), "b": .object([:])])),
  ])
  func `JSON is parsed`(text: String, value: JSON) throws {
    let parsed = try Self.parse(text)
    #expect(parsed == value)
  }

  @Test(arguments: [
    ("", 0), (" ", 1), ("nul", 0), ("nulll", 4), ("True", 0), ("01", 1), ("+1", 0), (".5", 0), ("1.", 2), ("1.e2", 2),
    ("1e", 2), ("-", 1), ("0x1", 1), ("1e999", 5), ("NaN", 0), ("\"", 1), ("\"a", 2), ("\"\n\"", 1), ("\"\t\"", 1),
    (#""\x""#, 2), (#""\u12""#, 3), (#""\u+123""#, 3), (#""\u-000""#, 3), (#""\ud83d""#, 7), (#""\ud83dx""#, 7),
    (#""\ude00""#, 7), (#""\ud83d\u0041""#, 13), ("[", 1), ("[1", 2), ("[1,]", 3), ("[,1]", 1), ("[1 2]", 3),
    ("{", 1), ("{1:2}", 1), ("{\"a\"}", 4), ("{\"a\":}", 5), ("{\"a\":1,}", 7), ("{\"a\":1,\"a\":2}", 10), ("1 2", 2),
    ("[]]", 2), ("'a'", 0), ("/**/1", 0), ("\u{FEFF}1", 0), ("\"a\" b", 4), ("[1}", 2),
  ])
  func `Invalid JSON is refused with the offset of the error`(text: String, offset: Int) {
    let error = #expect(throws: JSON.Malformed.self) { try Self.parse(text) }
    #expect(error?.offset == offset)
  }

  @Test(arguments: [[0xFF], [0xC3], [0xC0, 0x80], [0xED, 0xA0, 0x80]] as [[UInt8]])
  func `A string has to be UTF-8`(bytes: [UInt8]) {
    #expect(throws: JSON.Malformed.self) { try JSON([0x22] + bytes + [0x22]) }
    #expect(throws: JSON.Malformed.self) { try JSON(bytes) }
  }

  @Test func `The depth of lists is bounded, and text beyond it uses no stack`() throws {
    let nested = { (depth: Int) in String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    _ = try Self.parse(nested(32))
    #expect(throws: JSON.Malformed.self) { try Self.parse(nested(33)) }
    #expect(throws: JSON.Malformed.self) { try Self.parse(String(repeating: "{\"a\":", count: 1_000_000)) }
  }

  @Test func `JSON cut at any place is refused`() throws {
    let text = Array(#"{"a": [1.5e3, "\ud83d\ude00é", true, null], "b": {"c": false}}"#.utf8)
    _ = try JSON(text)
    for count in 0..<text.count { #expect(throws: JSON.Malformed.self) { try JSON(Array(text.prefix(count))) } }
  }

  @Test(arguments: [
    (
      JSON.object(["b": .number(1), "a": .array([.null, .bool(true), .bool(false)])]), #"{"a":[null,true,false],"b":1}"#
    ),
    (.string("\"\\\n\u{1F}\u{7F}ü😀"), "\"\\\"\\\\\\u000a\\u001f\u{7F}ü😀\""), (.number(-0.5), "-0.5"),
    (.number(1e300), "1e+300"),
    (.number(134_217_728), "134217728"), (.number(.infinity), "null"), (.number(.nan), "null"), (.object([:]), "{}"),
    (.array([]), "[]"),
  ])
  func `A value is written as JSON without blanks`(value: JSON, text: String) throws {
    #expect(String(decoding: value.bytes, as: UTF8.self) == text)
    let parsed = try Self.parse(text)
    #expect(parsed == value || text == "null")
  }
}

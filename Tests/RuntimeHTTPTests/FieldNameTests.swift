import Testing

@testable import RuntimeHTTP

@Suite struct FieldNameTests {
  private static let names: [(String, FieldName)] = [
    ("connection", .connection), ("content-length", .contentLength), ("date", .date), ("expect", .expect),
    ("host", .host), ("keep-alive", .keepAlive), ("server", .server), ("te", .te), ("trailer", .trailer),
    ("transfer-encoding", .transferEncoding), ("upgrade", .upgrade),
  ]

  @Test(arguments: names)
  func `a name is known in upper, lower and mixed case`(text: String, name: FieldName) {
    #expect(FieldName(text.utf8.span) == name)
    #expect(FieldName(text.uppercased().utf8.span) == name)
    #expect(FieldName((text.prefix(1).uppercased() + text.dropFirst()).utf8.span) == name)
  }

  /// Replaces each character by every other token character; no result may be taken for a known name.
  @Test(arguments: names)
  func `a name with one different character is not known`(text: String, name: FieldName) {
    for index in text.utf8.indices.map({ text.utf8.distance(from: text.utf8.startIndex, to: $0) }) {
      for byte in UInt8.min...UInt8.max where CharacterClass.token.contains(byte) {
        var bytes = Array(text.utf8)
        guard bytes[index] != byte.lowercased else { continue }
        bytes[index] = byte
        #expect(FieldName(bytes.span) == .other, "\(String(decoding: bytes, as: UTF8.self))")
      }
    }
  }

  @Test(arguments: names)
  func `a name that is shorter or longer is not known`(text: String, name: FieldName) {
    #expect(FieldName((text + "s").utf8.span) == .other)
    #expect(FieldName(text.dropLast().utf8.span) == .other)
    #expect(FieldName(("x" + text).utf8.span) == .other)
  }
}

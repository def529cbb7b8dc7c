/// A JSON value (RFC 8259). Parsing is strict, and the output has no blanks.
enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])
}

extension JSON {
  /// The value as UTF-8. The members of an object are sorted by name.
  var bytes: [UInt8] {
    var output: [UInt8] = []
    write(to: &output)
    return output
  }

  private func write(to output: inout [UInt8]) {
    switch self {
    case .null: output += "null".utf8
    case .bool(let value): output += "\(value)".utf8
    case .number(let value): output += Self.spelling(of: value).utf8
    case .string(let text): Self.write(text, to: &output)
    case .array(let elements):
      output += "[".utf8
      for (index, element) in elements.enumerated() {
        if index > 0 { output += ",".utf8 }
        element.write(to: &output)
      }
      output += "]".utf8
    case .object(let members):
      output += "{".utf8
      for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { output += ",".utf8 }
        Self.write(member.key, to: &output)
        output += ":".utf8
        member.value.write(to: &output)
      }
      output += "}".utf8
    }
  }

  private static func spelling(of number: Double) -> String {
    // JSON cannot express infinities and NaN.
    guard number.isFinite else { return "null" }
    return Int(exactly: number).map(String.init) ?? "\(number)"
  }

  private static func write(_ text: String, to output: inout [UInt8]) {
    output += "\"".utf8
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): output += [UInt8(ascii: "\\"), byte]
      case ..<0x20: output += ("\\u00" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16)).utf8
      default: output.append(byte)
      }
    }
    output += "\"".utf8
  }
}

extension JSON {
  /// Why a text is not JSON, and at which byte offset.
  struct Malformed: Error, Hashable, CustomStringConvertible {
    let problem: String
    let offset: Int

    var description: String { "\(problem), at byte \(offset)" }
  }

  /// Parses `text`.
  ///
  /// It rejects duplicate names in an object, since programs differ about which one counts.
  ///
  /// - Parameter depth: how deep arrays and objects may be nested. Parsing uses stack for each level.
  init(_ text: [UInt8], depth: Int = 32) throws(Malformed) {
    var parser = JSONParser(text: text)
    self = try parser.value(depth)
    if parser.next != nil { throw parser.malformed("something comes after the value") }
  }
}

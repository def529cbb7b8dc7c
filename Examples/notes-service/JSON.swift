/// A value of JSON (RFC 8259). It is parsed strictly, and written without blanks.
enum JSON: Hashable, Sendable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])
}

extension JSON {
  /// The value as UTF-8. The members of an object are in the order of their names.
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
    // JSON has no words for what is not finite.
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
  /// Why a text is no JSON, and at which byte of it, counted from 0.
  struct Malformed: Error, Hashable, CustomStringConvertible {
    let problem: String
    let offset: Int

    var description: String { "\(problem), at byte \(offset)" }
  }

  /// The value that `text` spells.
  ///
  /// A name that an object has twice is refused, since programs differ about which one counts.
  ///
  /// - Parameter depth: how many arrays and objects there may be in each other: parsing takes stack for each.
  init(_ text: [UInt8], depth: Int = 32) throws(Malformed) {
    var parser = JSONParser(text: text)
    self = try parser.value(depth)
    if parser.next != nil { throw parser.malformed("something comes after the value") }
  }
}

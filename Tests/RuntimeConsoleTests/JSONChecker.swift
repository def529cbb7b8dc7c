/// A JSON value, parsed as strictly as RFC 8259 demands. Strings and numbers keep their text.
indirect enum JSONValue: Equatable {
  case object([String: JSONValue])
  case array([JSONValue])
  case string(String)
  case number(String)
  case bool(Bool)
  case null

  /// - Throws: ``Malformed`` if `bytes` are not one JSON value.
  init(_ bytes: [UInt8]) throws {
    // Decoding repairs invalid UTF-8, which changes the length.
    let text = String(decoding: bytes, as: UTF8.self)
    guard Array(text.utf8) == bytes else { throw Malformed() }
    var parser = JSONParser(rest: text.unicodeScalars[...])
    self = try parser.value()
    guard parser.rest.isEmpty else { throw Malformed() }
  }

  subscript(name: String) -> JSONValue? {
    if case .object(let members) = self { members[name] } else { nil }
  }

  subscript(index: Int) -> JSONValue? {
    if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { nil }
  }

  var count: Int? {
    if case .array(let elements) = self { elements.count } else { nil }
  }

  struct Malformed: Error {}
}

private struct JSONParser {
  var rest: Substring.UnicodeScalarView

  mutating func value() throws -> JSONValue {
    switch rest.first {
    case "{":
      var members: [String: JSONValue] = [:]
      try list("{", "}") { parser in
        let name = try parser.string()
        try parser.skip(":")
        let value = try parser.value()
        guard members.updateValue(value, forKey: name) == nil else { throw JSONValue.Malformed() }
      }
      return .object(members)
    case "[":
      var elements: [JSONValue] = []
      try list("[", "]") { elements.append(try $0.value()) }
      return .array(elements)
    case "\"": return .string(try string())
    case "t": return try word("true", .bool(true))
    case "f": return try word("false", .bool(false))
    case "n": return try word("null", .null)
    default: return .number(try number())
    }
  }

  private mutating func list(
    _ open: Unicode.Scalar, _ close: Unicode.Scalar, _ item: (inout JSONParser) throws -> Void
  ) throws {
    try skip(open)
    if rest.first == close { return try skip(close) }
    while true {
      try item(&self)
      if rest.first == close { return try skip(close) }
      try skip(",")
    }
  }

  private mutating func skip(_ scalar: Unicode.Scalar) throws {
    guard rest.popFirst() == scalar else { throw JSONValue.Malformed() }
  }

  private mutating func word(_ text: String, _ value: JSONValue) throws -> JSONValue {
    for scalar in text.unicodeScalars { try skip(scalar) }
    return value
  }

  private mutating func number() throws -> String {
    let text = String(rest.prefix { "+-.eE0123456789".unicodeScalars.contains($0) })
    guard text.wholeMatch(of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/) != nil else {
      throw JSONValue.Malformed()
    }
    rest = rest.dropFirst(text.unicodeScalars.count)
    return text
  }

  private mutating func string() throws -> String {
    try skip("\"")
    var text = String.UnicodeScalarView()
    while let scalar = rest.popFirst(), scalar != "\"" {
      guard scalar.value >= 0x20 else { throw JSONValue.Malformed() }
      text.append(scalar == "\\" ? try escape() : scalar)
      guard !rest.isEmpty else { throw JSONValue.Malformed() }
    }
    return String(text)
  }

  private mutating func escape() throws -> Unicode.Scalar {
    let escapes: [Unicode.Scalar: Unicode.Scalar] = [
      "\"": "\"", "\\": "\\", "/": "/", "b": "\u{8}", "f": "\u{c}", "n": "\n", "r": "\r", "t": "\t",
    ]
    guard let kind = rest.popFirst() else { throw JSONValue.Malformed() }
    if let plain = escapes[kind] { return plain }
    guard kind == "u", let code = UInt32(String(rest.prefix(4)), radix: 16), let scalar = Unicode.Scalar(code)
    else { throw JSONValue.Malformed() }
    rest = rest.dropFirst(4)
    return scalar
  }
}

/// A recursive-descent parser for JSON.
struct JSONParser {
  let text: [UInt8]
  private var position = 0

  init(text: [UInt8]) { self.text = text }

  /// The next byte as a character, if it is ASCII.
  var next: Unicode.Scalar? { position < text.count ? Unicode.Scalar(text[position]) : nil }

  func malformed(_ problem: String) -> JSON.Malformed { JSON.Malformed(problem: problem, offset: position) }

  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard next == character else { return false }
    position += 1
    return true
  }

  private mutating func skipBlanks() {
    while skip(" ") || skip("\n") || skip("\r") || skip("\t") {}
  }

  /// Parses a value, and the blanks around it.
  mutating func value(_ depth: Int) throws(JSON.Malformed) -> JSON {
    skipBlanks()
    let value: JSON
    switch next {
    case "{"?:
      var members: [String: JSON] = [:]
      try list("}", depth) { (parser: inout JSONParser) throws(JSON.Malformed) in
        parser.skipBlanks()
        let name = try parser.string()
        if members[name] != nil { throw parser.malformed("a name comes twice") }
        parser.skipBlanks()
        guard parser.skip(":") else { throw parser.malformed("a colon is missing") }
        members[name] = try parser.value(depth - 1)
      }
      value = .object(members)
    case "["?:
      var elements: [JSON] = []
      try list("]", depth) { (parser: inout JSONParser) throws(JSON.Malformed) in
        elements.append(try parser.value(depth - 1))
      }
      value = .array(elements)
    case "\""?: value = .string(try string())
    case "t"?: value = try word("true", .bool(true))
    case "f"?: value = try word("false", .bool(false))
    case "n"?: value = try word("null", .null)
    default: value = .number(try number())
    }
    skipBlanks()
    return value
  }

  /// Parses elements with `element`, up to `end`.
  private mutating func list(
    _ end: Unicode.Scalar, _ depth: Int, _ element: (inout JSONParser) throws(JSON.Malformed) -> Void
  ) throws(JSON.Malformed) {
    if depth == 0 { throw malformed("too many arrays and objects are in each other") }
    position += 1
    skipBlanks()
    if skip(end) { return }
    repeat { try element(&self) } while skip(",")
    guard skip(end) else { throw malformed("a comma or the end of a list is missing") }
  }

  private mutating func word(_ word: String, _ value: JSON) throws(JSON.Malformed) -> JSON {
    guard text[position...].starts(with: word.utf8) else { throw malformed("there is no value") }
    position += word.utf8.count
    return value
  }

  private mutating func number() throws(JSON.Malformed) -> Double {
    let start = position
    _ = skip("-")
    if !skip("0") { try digits() }
    if skip(".") { try digits() }
    if skip("e") || skip("E") {
      if !skip("+") { _ = skip("-") }
      try digits()
    }
    guard let number = Double(String(decoding: text[start..<position], as: UTF8.self)), number.isFinite else {
      throw malformed("a number is too large")
    }
    return number
  }

  private mutating func digits() throws(JSON.Malformed) {
    let start = position
    while let next, "0"..."9" ~= next { position += 1 }
    if position == start { throw malformed(start == text.count ? "the text ends too early" : "there is no value") }
  }

  private mutating func string() throws(JSON.Malformed) -> String {
    guard skip("\"") else { throw malformed("a string is missing") }
    var bytes: [UInt8] = []
    while !skip("\"") {
      guard let next, next >= " " else { throw malformed("a string does not end, or holds a control character") }
      if skip("\\") {
        bytes += String(try escaped()).utf8
      } else {
        bytes.append(text[position])
        position += 1
      }
    }
    guard let string = String(validating: bytes, as: UTF8.self) else { throw malformed("a string is not UTF-8") }
    return string
  }

  /// Parses an escape sequence after its backslash.
  private mutating func escaped() throws(JSON.Malformed) -> Unicode.Scalar {
    for (letter, meaning) in Self.escapes where skip(letter) { return meaning }
    guard skip("u") else { throw malformed("there is no such escape") }
    let unit = try hexadecimal()
    if let scalar = Unicode.Scalar(unit) { return scalar }
    // Section 7: a character beyond U+FFFF is two escapes, a surrogate pair.
    guard unit < 0xDC00, skip("\\"), skip("u"), case let low = try hexadecimal(), 0xDC00..<0xE000 ~= low,
      let scalar = Unicode.Scalar(0x10000 + (UInt32(unit) - 0xD800) << 10 + UInt32(low) - 0xDC00)
    else { throw malformed("an escape is half of a character") }
    return scalar
  }

  private static let escapes: [(Unicode.Scalar, Unicode.Scalar)] = [
    ("\"", "\""), ("\\", "\\"), ("/", "/"), ("b", "\u{8}"), ("f", "\u{C}"), ("n", "\n"), ("r", "\r"), ("t", "\t"),
  ]

  private mutating func hexadecimal() throws(JSON.Malformed) -> UInt16 {
    let digits = text[position...].prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }),
      let unit = UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
    else { throw malformed("an escape has four hexadecimal digits") }
    position += 4
    return unit
  }
}

/// Support for HTTP/2, where names and values arrive separately and not in a line.
extension HeaderFields {
  mutating func append(lowercase name: StaticString, _ known: FieldName, _ value: Span<UInt8>) {
    name.withUTF8Buffer { append($0.span, known, value) }
  }

  /// The value of the first field. There must be one.
  var firstValue: [UInt8] { firstEntry.map { Array(bytes[$0.valueRange]) } ?? [] }

  /// Returns whether the value of the first field equals `value`, ignoring case.
  func firstValueEquals(_ value: Span<UInt8>) -> Bool {
    guard let entry = firstEntry else { return false }
    return bytes.span.extracting(entry.valueRange).equalsIgnoringCase(value)
  }

  /// Joins all `cookie` fields into one. A client may split them for better compression (RFC 9113 section 8.2.3).
  mutating func joinCookies() {
    var joined: [UInt8] = []
    var rest = HeaderFields()
    var position = 0
    while let entry = nextEntry(&position) {
      if bytes.span.extracting(entry.nameRange).equals("cookie") {
        if !joined.isEmpty { joined.append(contentsOf: "; ".utf8) }
        joined.append(copying: bytes.span.extracting(entry.valueRange))
      } else {
        rest.append(entry, of: self)
      }
    }
    rest.append(lowercase: "cookie", .other, joined.span)
    self = rest
  }
}

extension Span<UInt8> {
  /// Returns whether these bytes equal `text`.
  @inline(__always)
  func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { characters in
      for index in indices where self[index] != characters[index] { return false }
      return true
    }
  }

  /// Whether these bytes are a field name of HTTP/2: a token without upper-case letters (RFC 9113 section 8.2.1).
  @inline(__always)
  var isLowercaseToken: Bool {
    let token = CharacterClass.token
    for index in indices where !token.contains(self[index]) || self[index] != self[index].lowercased { return false }
    return !isEmpty
  }

  /// Whether there is a blank at either end, which is not allowed in a value (section 8.2.1).
  @inline(__always)
  var hasBlankAtEnd: Bool { !isEmpty && (self[0].isBlank || self[count - 1].isBlank) }

  /// Whether these bytes are a URI scheme (RFC 3986 section 3.1).
  var isScheme: Bool {
    guard !isEmpty, self[0].isLetter else { return false }
    for index in indices {
      let byte = self[index]
      guard byte.isLetter || byte.isDigit || byte == 0x2B || byte == 0x2D || byte == 0x2E else { return false }
    }
    return true
  }
}

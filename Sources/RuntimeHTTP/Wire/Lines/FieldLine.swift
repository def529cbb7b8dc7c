/// Parses a field line of a head or of trailers (RFC 9112 section 5): field-name ":" OWS field-value OWS.
extension HeaderFields {
  /// Adds the field in `line`.
  mutating func append(line: Span<UInt8>) throws(WireError) {
    let token = CharacterClass.token
    var colon = 0
    while colon < line.count, token.contains(line[colon]) { colon += 1 }
    // Refused are: a blank at the beginning, which is line folding (section 5.2); a blank before the colon (section
    // 5.1); and a line without a name or a colon.
    guard colon > 0, colon < line.count, line[colon] == UInt8(ascii: ":") else {
      throw .malformed("A header field's name is not a token followed by a colon.")
    }
    guard colon <= Self.longestName else { throw WireError(.requestHeaderFieldsTooLarge) }
    let value = line.trimmed(from: colon + 1, to: line.count)
    guard line.extracting(value).isFieldContent else {
      throw .malformed("A header field's value contains a control character.")
    }
    let name = line.extracting(0..<colon)
    append(name, FieldName(name), line.extracting(value))
  }

  /// Adds the field of `line`, unless it is not allowed in trailers: a recipient may ignore such a field.
  mutating func append(trailer line: Span<UInt8>) throws(WireError) {
    var trailer = HeaderFields()
    try trailer.append(line: line)
    if let entry = trailer.firstEntry, !trailer.isForbiddenInTrailers(entry) { append(entry, of: trailer) }
  }

  /// Returns whether a field is not allowed in trailers (RFC 9110 section 6.5.1): one that frames or routes the
  /// message, changes how it is processed, or describes its content.
  func isForbiddenInTrailers(_ entry: Entry) -> Bool {
    Self.isForbiddenInTrailers(bytes.span.extracting(entry.nameRange), entry.name)
  }

  /// Returns whether fields called `name` are not allowed in trailers.
  static func isForbiddenInTrailers(_ name: Span<UInt8>, _ known: FieldName) -> Bool {
    if known != .other { return true }
    switch name.count {
    case 3: return name.equalsIgnoringCase("age") || name.equalsIgnoringCase("via")
    case 4: return name.equalsIgnoringCase("vary")
    case 5: return name.equalsIgnoringCase("range")
    case 6: return name.equalsIgnoringCase("cookie") || name.equalsIgnoringCase("pragma")
    case 7: return name.equalsIgnoringCase("expires") || name.equalsIgnoringCase("warning")
    case 8:
      return name.equalsIgnoringCase("if-match") || name.equalsIgnoringCase("if-range")
        || name.equalsIgnoringCase("location")
    case 10: return name.equalsIgnoringCase("set-cookie")
    case 11: return name.equalsIgnoringCase("retry-after")
    case 12: return name.equalsIgnoringCase("content-type") || name.equalsIgnoringCase("max-forwards")
    case 13:
      return name.equalsIgnoringCase("authorization") || name.equalsIgnoringCase("cache-control")
        || name.equalsIgnoringCase("content-range") || name.equalsIgnoringCase("if-none-match")
    case 16:
      return name.equalsIgnoringCase("content-encoding") || name.equalsIgnoringCase("www-authenticate")
        || name.equalsIgnoringCase("proxy-connection")
    case 17: return name.equalsIgnoringCase("if-modified-since")
    case 18: return name.equalsIgnoringCase("proxy-authenticate")
    case 19:
      return name.equalsIgnoringCase("if-unmodified-since") || name.equalsIgnoringCase("proxy-authorization")
    default: return false
    }
  }
}

extension ByteBuffer {
  /// Appends the field line of `entry`.
  @inline(__always)
  mutating func append(_ entry: HeaderFields.Entry, of fields: HeaderFields) {
    append(fields.bytes.span.extracting(entry.lineRange))
  }

  /// Appends the Content-Length line.
  @inline(__always)
  mutating func append(contentLength: Int) {
    append("Content-Length: ")
    append(decimal: contentLength)
    append("\r\n")
  }
}

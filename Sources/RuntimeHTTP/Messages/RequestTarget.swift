/// The target of a request (RFC 9112 section 3.2): its bytes, and the positions of its parts.
struct RequestTarget: Sendable {
  var bytes: [UInt8] = []
  // A request is copied several times, so its parts are kept small: a target has fewer than 2^32 bytes.
  private var pathBounds: (start: UInt32, end: UInt32) = (0, 0)
  private var authorityBounds: (start: UInt32, end: UInt32) = (0, 0)

  /// The range of the path; empty in authority-form, and if a target in absolute-form has none.
  var path: Range<Int> { Int(pathBounds.start)..<Int(pathBounds.end) }

  /// The range of the query without its `?`, if there is one. It is everything after the path.
  var query: Range<Int>? {
    let mark = path.upperBound
    return mark < bytes.count && authority?.upperBound != bytes.count ? mark + 1..<bytes.count : nil
  }

  /// The range of the authority in absolute-form and authority-form. It is never empty.
  var authority: Range<Int>? {
    authorityBounds.end > 0 ? Int(authorityBounds.start)..<Int(authorityBounds.end) : nil
  }

  /// Locates the parts of `bytes` for a request with `method`.
  ///
  /// - Returns: Whether `bytes` is a valid target for `method`.
  mutating func locateParts(method: Method) -> Bool {
    let count = UInt32(truncatingIfNeeded: bytes.count)
    pathBounds = (0, count)
    authorityBounds = (0, 0)
    guard let first = bytes.first, bytes.span.isTargetText else { return false }
    if method == .connect {
      // Section 3.2.3: authority-form is used only for CONNECT, and CONNECT uses no other form. The port is required.
      pathBounds = (0, 0)
      authorityBounds = (0, count)
      return bytes.span.isAuthority(portRequired: true)
    }
    if first == UInt8(ascii: "/") {
      locateQuery(from: 0)
      return true
    }
    // Section 3.2.4: asterisk-form is used only for OPTIONS.
    if first == UInt8(ascii: "*"), bytes.count == 1 { return method == .options }
    return locateAbsoluteForm()
  }

  /// Locates the parts of an absolute-form (section 3.2.2): `scheme "://" authority path-abempty [ "?" query ]`.
  private mutating func locateAbsoluteForm() -> Bool {
    guard let colon = bytes.firstIndex(of: UInt8(ascii: ":")), bytes[0].isLetter,
      bytes[..<colon].allSatisfy({ $0.isLetter || $0.isDigit || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E }),
      bytes.count > colon + 3, bytes[colon + 1] == UInt8(ascii: "/"), bytes[colon + 2] == UInt8(ascii: "/")
    else { return false }
    let start = colon + 3
    let end =
      bytes[start...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? bytes.count
    guard end > start, bytes.span.extracting(start..<end).isAuthority(portRequired: false) else { return false }
    authorityBounds = (UInt32(truncatingIfNeeded: start), UInt32(truncatingIfNeeded: end))
    locateQuery(from: end)
    return true
  }

  private mutating func locateQuery(from start: Int) {
    let end = bytes.span.firstIndex(of: UInt8(ascii: "?"), from: start) ?? bytes.count
    pathBounds = (UInt32(truncatingIfNeeded: start), UInt32(truncatingIfNeeded: end))
  }
}

extension Span<UInt8> {
  /// Returns whether these bytes are `uri-host [ ":" port ]` (RFC 9110 section 7.2, RFC 3986 section 3.2.2), without
  /// user information, which is to be treated as an error (RFC 9110 section 4.2.4). The host must not be empty.
  func isAuthority(portRequired: Bool) -> Bool {
    guard count > 0 else { return false }
    var index = 0
    if self[0] == UInt8(ascii: "[") {
      guard let end = firstIndex(of: UInt8(ascii: "]")), end > 1 else { return false }
      for position in 1..<end {
        let byte = self[position]
        let isAddress = byte.hexadecimalValue != nil || byte == UInt8(ascii: ":") || byte == UInt8(ascii: ".")
        // `IPvFuture` begins with a `v` and consists of the characters of a name.
        let isFuture = self[1] | 0x20 == UInt8(ascii: "v") && CharacterClass.registeredName.contains(byte)
        guard isAddress || isFuture else { return false }
      }
      index = end + 1
    } else {
      while index < count {
        if !CharacterClass.registeredName.contains(self[index]) {
          guard self[index] == UInt8(ascii: "%") else { break }
          guard index + 2 < count, self[index + 1].hexadecimalValue != nil, self[index + 2].hexadecimalValue != nil
          else { return false }
        }
        index += 1
      }
      guard index > 0 else { return false }
    }
    if index == count { return !portRequired }
    guard self[index] == UInt8(ascii: ":") else { return false }
    if index + 1 == count { return !portRequired }
    guard let port = extracting(index + 1..<count).decimalValue else { return false }
    return port <= Int(UInt16.max)
  }
}

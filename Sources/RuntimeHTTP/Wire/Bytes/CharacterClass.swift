/// A set of ASCII characters as two masks of 64 bits, which needs neither a table nor initialisation at run time.
struct CharacterClass: Sendable {
  private let low: UInt64
  private let high: UInt64

  /// Creates the class of the characters in `text` and, if `alphanumerics` is true, of all ASCII letters and digits.
  @inline(__always)
  init(_ text: StaticString, alphanumerics: Bool) {
    // Digits are 0x30...0x39. Letters are 0x41...0x5A and 0x61...0x7A, which is 0x01...0x1A and 0x21...0x3A in the
    // second half.
    var low: UInt64 = alphanumerics ? 0x03FF_0000_0000_0000 : 0
    var high: UInt64 = alphanumerics ? 0x07FF_FFFE_07FF_FFFE : 0
    text.withUTF8Buffer { characters in
      for character in characters {
        if character < 64 { low |= 1 << UInt64(character) } else { high |= 1 << UInt64(character & 63) }
      }
    }
    self.low = low
    self.high = high
  }

  private init(low: UInt64, high: UInt64) {
    self.low = low
    self.high = high
  }

  @inline(__always)
  func contains(_ byte: UInt8) -> Bool {
    let half = byte < 64 ? low : high
    return byte < 128 && (half >> UInt64(byte & 63)) & 1 == 1
  }

  @inline(__always)
  func containsAll(_ bytes: Span<UInt8>) -> Bool {
    for index in bytes.indices where !contains(bytes[index]) { return false }
    return true
  }

  // The masks below are literals, so that they are compile-time constants. A test compares them with the text of the
  // RFC by using the initialiser above.

  /// `tchar`, the characters of a token (RFC 9110 section 5.6.2).
  static var token: CharacterClass { CharacterClass(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }
  /// `unreserved` and `sub-delims`, the characters of a `reg-name` except for its escapes (RFC 3986 section 3.2.2).
  static var registeredName: CharacterClass { CharacterClass(low: 0x2BFF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }
}

/// Classification of single bytes.
extension UInt8 {
  /// Whether this is SP or HTAB, the characters of `OWS` (RFC 9110 section 5.6.3).
  @inline(__always)
  var isBlank: Bool { self == 0x20 || self == 0x09 }

  /// Whether a field value may contain the byte: no control characters except HTAB (RFC 9110 section 5.5).
  @inline(__always)
  var isFieldContent: Bool { (self >= 0x20 && self != 0x7F) || self == 0x09 }

  @inline(__always)
  var isDigit: Bool { self &- 0x30 < 10 }

  @inline(__always)
  var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }

  /// The value of this byte as a hexadecimal digit, or `nil`.
  @inline(__always)
  var hexadecimalValue: UInt8? {
    if isDigit { return self &- 0x30 }
    let letter = (self | 0x20) &- 0x61
    return letter < 6 ? letter &+ 10 : nil
  }

  @inline(__always)
  var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}

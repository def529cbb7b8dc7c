/// A set of ASCII characters as two masks of 64 bits: no table to load, nothing to initialise at run time.
struct CharacterClass: Sendable {
  private let low: UInt64
  private let high: UInt64

  /// The class of the characters of `text` and, where `alphanumerics` says so, of all ASCII letters and digits.
  @inline(__always)
  init(_ text: StaticString, alphanumerics: Bool) {
    // Digits are 0x30...0x39; letters 0x41...0x5A and 0x61...0x7A, that is 0x01...0x1A and 0x21...0x3A of the second half.
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

  // The masks below are spelt out so that they are constants in the program; a test compares them with the text of the
  // RFC by way of the initialiser above.

  /// `tchar`, what a token is made of (RFC 9110 section 5.6.2).
  static var token: CharacterClass { CharacterClass(low: 0x03FF_6CFA_0000_0000, high: 0x57FF_FFFF_C7FF_FFFE) }
  /// `unreserved` and `sub-delims`: what a `reg-name` is made of, beside escapes (RFC 3986 section 3.2.2).
  static var registeredName: CharacterClass { CharacterClass(low: 0x2BFF_7FD2_0000_0000, high: 0x47FF_FFFE_87FF_FFFE) }
}

/// What is read from a single byte.
extension UInt8 {
  /// SP or HTAB: what `OWS` is made of (RFC 9110 section 5.6.3).
  @inline(__always)
  var isBlank: Bool { self == 0x20 || self == 0x09 }

  @inline(__always)
  var isDigit: Bool { self &- 0x30 < 10 }

  @inline(__always)
  var isLetter: Bool { (self | 0x20) &- 0x61 < 26 }

  /// The value of a hexadecimal digit.
  @inline(__always)
  var hexadecimalValue: UInt8? {
    if isDigit { return self &- 0x30 }
    let letter = (self | 0x20) &- 0x61
    return letter < 6 ? letter &+ 10 : nil
  }

  @inline(__always)
  var lowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }
}

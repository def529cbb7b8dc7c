/// What lines of logs are made of: bytes are appended to memory that is used for one line after another.
extension [UInt8] {
  /// Appends `text`, which allocates nothing.
  @inline(__always)
  package mutating func append(text: StaticString) {
    text.withUTF8Buffer { append(contentsOf: $0) }
  }

  /// Appends `number` in decimal, with zeros in front where it has fewer than `digits` digits.
  package mutating func append(decimal number: Int, digits: Int = 1) {
    if number < 0 { append(UInt8(ascii: "-")) }
    let number = number.magnitude
    var (divisor, length): (UInt, Int) = (1, 1)
    while number / divisor >= 10 || length < digits {
      divisor *= 10
      length += 1
    }
    while divisor > 0 {
      append(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: number / divisor % 10))
      divisor /= 10
    }
  }

  /// Appends the time of day that is so many seconds after midnight: `08:49:37`.
  package mutating func append(timeOfDay second: Int) {
    append(decimal: second / 3600, digits: 2)
    append(UInt8(ascii: ":"))
    append(decimal: second / 60 % 60, digits: 2)
    append(UInt8(ascii: ":"))
    append(decimal: second % 60, digits: 2)
  }

  /// Appends `text`, which may be any bytes, as a JSON string with its quotes (RFC 8259 section 7).
  ///
  /// It is always one line of valid JSON: control characters and line separators are escaped, and bytes that are not
  /// UTF-8 become U+FFFD.
  package mutating func append(json text: Span<UInt8>) {
    append(UInt8(ascii: "\""))
    let start = count
    for index in text.indices {
      let byte = text[index]
      guard byte < 0x80 else {
        removeLast(count - start)
        text.withUnsafeBufferPointer { appendJSON(String(decoding: $0, as: UTF8.self)) }
        break
      }
      appendJSON(ascii: byte)
    }
    append(UInt8(ascii: "\""))
  }

  @inline(__always)
  private mutating func appendJSON(ascii byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"):
      append(UInt8(ascii: "\\"))
      append(byte)
    case 0x20..<0x7F: append(byte)
    default: appendEscape(UInt32(byte))
    }
  }

  private mutating func appendJSON(_ text: String) {
    for scalar in text.unicodeScalars {
      if scalar.isASCII {
        appendJSON(ascii: UInt8(truncatingIfNeeded: scalar.value))
      } else if scalar.isLineControl {
        appendEscape(scalar.value)
      } else {
        append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      }
    }
  }

  /// - Parameter value: a code point of the basic plane, which is one unit of UTF-16.
  private mutating func appendEscape(_ value: UInt32) {
    append(text: "\\u")
    append(hexadecimal: UInt8(truncatingIfNeeded: value >> 8))
    append(hexadecimal: UInt8(truncatingIfNeeded: value))
  }

  /// Appends `text`, which may be any bytes, as Apache does between quotes: `\"`, `\\`, and `\xHH` for control characters
  /// and for bytes outside of ASCII.
  ///
  /// - Parameter isQuoted: whether quotes stand round it. Where they do not, a space would end it, and is escaped too.
  package mutating func append(escaped text: Span<UInt8>, isQuoted: Bool = true) {
    for index in text.indices {
      let byte = text[index]
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        append(UInt8(ascii: "\\"))
        append(byte)
      case UInt8(ascii: " ") where isQuoted, 0x21..<0x7F: append(byte)
      default:
        append(text: "\\x")
        append(hexadecimal: byte)
      }
    }
  }

  /// Appends `byte` in two digits.
  package mutating func append(hexadecimal byte: UInt8) {
    append(hexadecimalDigit: byte >> 4)
    append(hexadecimalDigit: byte & 15)
  }

  /// Appends the digit for a number below 16.
  @inline(__always)
  package mutating func append(hexadecimalDigit digit: UInt8) {
    append(digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &- 10 &+ digit)
  }
}

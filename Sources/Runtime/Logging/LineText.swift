/// Formatting of log lines: each function appends bytes to a buffer that is reused from line to line.
extension [UInt8] {
  /// Appends `text` without an allocation of its own.
  @inline(__always)
  package mutating func append(text: StaticString) {
    text.withUTF8Buffer { append(contentsOf: $0) }
  }

  /// Appends `number` in decimal, padded with zeros to `digits` digits.
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

  /// Appends the time of day `second` seconds after midnight: `08:49:37`.
  package mutating func append(timeOfDay second: Int) {
    append(decimal: second / 3600, digits: 2)
    append(UInt8(ascii: ":"))
    append(decimal: second / 60 % 60, digits: 2)
    append(UInt8(ascii: ":"))
    append(decimal: second % 60, digits: 2)
  }

  /// Appends `text`, which may be any bytes, as a JSON string with quotes (RFC 8259 section 7).
  ///
  /// The result is always one line of valid JSON: control characters and line separators are escaped, and invalid UTF-8
  /// becomes U+FFFD.
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

  /// Appends a `\uXXXX` escape.
  ///
  /// - Parameter value: a code point of the basic multilingual plane, which is one UTF-16 code unit.
  private mutating func appendEscape(_ value: UInt32) {
    append(text: "\\u")
    append(hexadecimal: UInt8(truncatingIfNeeded: value >> 8))
    append(hexadecimal: UInt8(truncatingIfNeeded: value))
  }

  /// Appends `text`, which may be any bytes, escaped as in Apache's quoted fields: `\"`, `\\`, and `\xHH` for control
  /// characters and for bytes outside ASCII.
  ///
  /// - Parameter isQuoted: whether the text stands between quotes. If not, a space would end it and is escaped too.
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

  /// Appends `byte` as two hexadecimal digits.
  package mutating func append(hexadecimal byte: UInt8) {
    append(hexadecimalDigit: byte >> 4)
    append(hexadecimalDigit: byte & 15)
  }

  /// Appends the hexadecimal digit for a number below 16.
  @inline(__always)
  package mutating func append(hexadecimalDigit digit: UInt8) {
    append(digit < 10 ? UInt8(ascii: "0") &+ digit : UInt8(ascii: "a") &- 10 &+ digit)
  }
}

extension String {
  /// The text on one line, with control characters escaped as in a Swift literal (`\n`, `\u{1B}`).
  ///
  /// Control characters are C0, DEL and C1, and the line and paragraph separators U+2028 and U+2029. A log line that
  /// quotes client input therefore stays one line and cannot send control sequences to a terminal.
  package var onOneLine: String {
    guard unicodeScalars.contains(where: \.isLineControl) else { return self }
    var line = ""
    for scalar in unicodeScalars {
      switch scalar {
      case "\0": line += "\\0"
      case "\t": line += "\\t"
      case "\n": line += "\\n"
      case "\r": line += "\\r"
      case _ where scalar.isLineControl: line += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
      default: line.unicodeScalars.append(scalar)
      }
    }
    return line
  }
}

extension Unicode.Scalar {
  /// Whether the scalar can end a line or control a terminal: C0, DEL, C1, and the line and paragraph separators.
  var isLineControl: Bool {
    value < 0x20 || (0x7F...0x9F).contains(value) || value == 0x2028 || value == 0x2029
  }
}

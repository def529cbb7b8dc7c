/// Parses the line before a chunk (RFC 9112 section 7.1): chunk-size [ chunk-ext ].
enum ChunkSize {
  /// Returns the size in `line`. The syntax of extensions is checked; otherwise they are ignored (section 7.1.1).
  static func parse(_ line: Span<UInt8>) throws(WireError) -> Int {
    var size = 0
    var index = 0
    while index < line.count, let digit = line[index].hexadecimalValue {
      guard size <= Int.max >> 4 else { throw .malformed("A chunk's size is too large.") }
      size = size << 4 | Int(digit)
      index += 1
    }
    guard index > 0 else { throw .malformed("A chunk's size is not a number.") }
    guard skipExtensions(line, from: index) else { throw .malformed("A chunk's extension is not valid.") }
    return size
  }

  /// Skips `*( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )`. Returns whether the line ends there.
  private static func skipExtensions(_ line: Span<UInt8>, from start: Int) -> Bool {
    var index = start
    while index < line.count {
      // Blanks are allowed before a semicolon, but not at the end of the line.
      index = skipBlanks(line, from: index)
      guard index < line.count, line[index] == UInt8(ascii: ";"),
        let nameEnd = skipToken(line, from: skipBlanks(line, from: index + 1))
      else { return false }
      index = nameEnd
      let mark = skipBlanks(line, from: index)
      guard mark < line.count, line[mark] == UInt8(ascii: "=") else { continue }
      let value = skipBlanks(line, from: mark + 1)
      guard let valueEnd = skipToken(line, from: value) ?? skipQuotedString(line, from: value) else { return false }
      index = valueEnd
    }
    return true
  }

  private static func skipBlanks(_ line: Span<UInt8>, from start: Int) -> Int {
    var index = start
    while index < line.count, line[index].isBlank { index += 1 }
    return index
  }

  private static func skipToken(_ line: Span<UInt8>, from start: Int) -> Int? {
    var index = start
    while index < line.count, CharacterClass.token.contains(line[index]) { index += 1 }
    return index > start ? index : nil
  }

  /// Returns the end of the quoted string at `start` (RFC 9110 section 5.6.4), or `nil` if there is none.
  private static func skipQuotedString(_ line: Span<UInt8>, from start: Int) -> Int? {
    guard start < line.count, line[start] == UInt8(ascii: "\"") else { return nil }
    var index = start + 1
    var escaped = false
    while index < line.count {
      let byte = line[index]
      index += 1
      if byte < 0x20 && byte != 0x09 || byte == 0x7F { return nil }
      if !escaped, byte == UInt8(ascii: "\"") { return index }
      escaped = !escaped && byte == UInt8(ascii: "\\")
    }
    return nil
  }
}

/// What a client's connection of HTTP/2 begins with (RFC 9113 section 3.4). Its first line is a request line that no HTTP/1
/// client sends.
package let connectionPreface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/// Whether a client speaks HTTP/2, as far as the first bytes of its connection say.
enum PrefaceMatch {
  /// It does not: they are not those of the preface.
  case none
  /// They are, and there are too few of them to tell.
  case partial
  /// It does: the first line of the preface is there.
  case whole

  /// As many bytes as decide: with the first line, so that what is wrong behind it is an error of HTTP/2.
  private static let decidingLength = "PRI * HTTP/2.0\r\n".utf8.count

  /// Compares the first bytes of a connection.
  @inline(__always)
  init(_ bytes: Span<UInt8>) {
    // PATCH, POST and PUT are among those that need a closer look.
    self = !bytes.isEmpty && bytes[0] != UInt8(ascii: "P") ? .none : Self.compare(bytes)
  }

  @inline(never)
  private static func compare(_ bytes: Span<UInt8>) -> PrefaceMatch {
    let count = min(bytes.count, decidingLength)
    let isEqual = connectionPreface.withUTF8Buffer {
      $0.span.extracting(first: count).equals(bytes.extracting(first: count))
    }
    if !isEqual { return .none }
    return count == decidingLength ? .whole : .partial
  }
}

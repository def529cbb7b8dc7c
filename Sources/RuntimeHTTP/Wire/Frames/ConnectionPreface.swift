/// The bytes that a client's HTTP/2 connection begins with (RFC 9113 section 3.4). The first line is a request line
/// that no HTTP/1 client sends.
package let connectionPreface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

/// Whether the first bytes of a connection are those of HTTP/2.
enum PrefaceMatch {
  /// The bytes differ from the preface.
  case none
  /// The bytes match the preface, but are too few to decide.
  case partial
  /// The first line of the preface has been received.
  case whole

  /// The number of bytes that decide. After the first line, anything wrong is an error of HTTP/2.
  private static let decidingLength = "PRI * HTTP/2.0\r\n".utf8.count

  /// Compares `bytes`, the first of a connection, with the preface.
  @inline(__always)
  init(_ bytes: Span<UInt8>) {
    // PATCH, POST and PUT also begin with P and need the full comparison.
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

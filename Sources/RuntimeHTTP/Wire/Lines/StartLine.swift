/// The first line of a message (RFC 9112 section 2.1): a ``RequestLine`` or a ``StatusLine``, depending on the sender.
package protocol StartLine: Sendable {
  /// Empty lines before it, which are skipped.
  static var mostEmptyLines: Int { get }

  init()

  var version: HTTPVersion { get }
  /// What the framing of the message depends on beside its fields.
  var role: MessageRole { get }

  /// Reads `line`, which came without its CRLF. What is known of it is here even where something else is wrong.
  mutating func read(_ line: Span<UInt8>) throws(WireError)
  /// Makes ready for another message.
  mutating func clear()

  /// What is wrong with a line that is longer than the limit.
  ///
  /// - Parameter hasSpace: whether a space is among the bytes that are within the limit.
  static func tooLong(hasSpace: Bool) -> WireError
}

/// Which end has sent a message, and what its framing depends on beside its fields (RFC 9112 section 6.3).
package enum MessageRole: Sendable {
  case request
  case response(Status, to: Method)
}

extension HTTPVersion {
  /// RFC 9112 section 2.3: `HTTP-version = HTTP-name "/" DIGIT "." DIGIT`, case-sensitive.
  ///
  /// - Returns: `nil` for a major version other than 1, in which such lines are not sent.
  static func version(_ text: Span<UInt8>) throws(WireError) -> HTTPVersion? {
    if text.count == 8, text.bytes.unsafeLoadUnaligned(as: UInt64.self) == http1_1Text { return .http1_1 }
    guard text.count == 8, text[0] == UInt8(ascii: "H"), text[1] == UInt8(ascii: "T"), text[2] == UInt8(ascii: "T"),
      text[3] == UInt8(ascii: "P"), text[4] == UInt8(ascii: "/"), text[5].isDigit, text[6] == UInt8(ascii: "."),
      text[7].isDigit
    else { throw .malformed("The HTTP version is not valid.") }
    guard text[5] == UInt8(ascii: "1") else { return nil }
    return text[7] == UInt8(ascii: "0") ? .http1_0 : .http1_1
  }
}

/// `HTTP/1.1` as eight bytes are loaded.
private let http1_1Text = UInt64(littleEndian: 0x312E_312F_5054_5448)

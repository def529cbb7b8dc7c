/// The first line of a message (RFC 9112 section 2.1): a ``RequestLine`` or a ``StatusLine``, depending on the sender.
package protocol StartLine: Sendable {
  /// The maximum number of empty lines before it, which are skipped.
  static var maximumEmptyLines: Int { get }

  init()

  var version: HTTPVersion { get }
  /// The facts besides the fields that determine the framing of the message.
  var role: MessageRole { get }

  /// Parses `line`, which comes without its CRLF. If it is invalid, the parts parsed so far are set.
  mutating func read(_ line: Span<UInt8>) throws(WireError)
  /// Prepares for another message.
  mutating func clear()

  /// Returns the error for a line that exceeds the limit.
  ///
  /// - Parameter hasSpace: Whether there is a space among the bytes within the limit.
  static func tooLong(hasSpace: Bool) -> WireError
}

/// The end that sent a message, with the facts besides its fields that determine its framing (RFC 9112 section 6.3).
package enum MessageRole: Sendable {
  case request
  case response(Status, to: Method)
}

extension HTTPVersion {
  /// Parses a version. RFC 9112 section 2.3: `HTTP-version = HTTP-name "/" DIGIT "." DIGIT`, case-sensitive.
  ///
  /// - Returns: `nil` for a major version other than 1, whose messages have no such lines.
  static func version(_ text: Span<UInt8>) throws(WireError) -> HTTPVersion? {
    if text.count == 8, text.packed(from: 0) == http1_1Text { return .http1_1 }
    guard text.count == 8, text[0] == UInt8(ascii: "H"), text[1] == UInt8(ascii: "T"), text[2] == UInt8(ascii: "T"),
      text[3] == UInt8(ascii: "P"), text[4] == UInt8(ascii: "/"), text[5].isDigit, text[6] == UInt8(ascii: "."),
      text[7].isDigit
    else { throw .malformed("The HTTP version is not valid.") }
    guard text[5] == UInt8(ascii: "1") else { return nil }
    return text[7] == UInt8(ascii: "0") ? .http1_0 : .http1_1
  }
}

/// `HTTP/1.1` as an integer.
private let http1_1Text = 0x312E_312F_5054_5448 as UInt64

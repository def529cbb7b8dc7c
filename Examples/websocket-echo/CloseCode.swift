/// Why this side closes a WebSocket (RFC 6455 section 7.4.1). It is thrown when the client is at fault.
enum CloseCode: UInt16, Error {
  case protocolError = 1002
  case invalidText = 1007
  case tooLarge = 1009

  /// Whether a close frame may carry `code`: RFC 6455 or its registry must allow it on the wire, or reserve it for
  /// applications.
  static func isAllowed(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}

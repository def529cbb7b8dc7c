/// Why a WebSocket is closed by this side; an error where that is the client's fault (RFC 6455 section 7.4.1).
enum CloseCode: UInt16, Error {
  case protocolError = 1002
  case invalidText = 1007
  case tooLarge = 1009

  /// Whether a close frame may carry `code`: one that RFC 6455 or its registry gives a meaning on the wire, or one that is
  /// left to applications.
  static func isAllowed(_ code: UInt16) -> Bool {
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: true
    default: false
    }
  }
}

/// An error of the peer, and whether it ends a stream or the connection (RFC 9113 section 5.4).
package enum HTTP2Error: Error {
  /// The connection has to end. The text is sent in the GOAWAY frame, for the peer's log.
  case connection(ErrorCode, StaticString)
  /// One stream has to end. The others are not affected.
  case stream(StreamID, ErrorCode)
}

extension HTTP2Error {
  static func protocolError(_ reason: StaticString) -> HTTP2Error { .connection(.protocolError, reason) }
  static func frameSize(_ reason: StaticString) -> HTTP2Error { .connection(.frameSizeError, reason) }
}

/// What a peer has done wrong, and how much of the connection that costs (RFC 9113 section 5.4).
package enum HTTP2Error: Error {
  /// The connection cannot go on; the text goes into the GOAWAY frame, for the peer's log.
  case connection(ErrorCode, StaticString)
  /// One stream ends, and the others know nothing of it.
  case stream(StreamID, ErrorCode)
}

extension HTTP2Error {
  static func protocolError(_ reason: StaticString) -> HTTP2Error { .connection(.protocolError, reason) }
  static func frameSize(_ reason: StaticString) -> HTTP2Error { .connection(.frameSizeError, reason) }
}

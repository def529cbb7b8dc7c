/// Finds frames in the bytes a peer sends, and checks what can be checked of each by itself (RFC 9113 sections 4 and 6).
///
/// It keeps nothing: whoever calls it keeps the bytes of a frame that is not whole, and gives them again with more.
package struct FrameDecoder: Sendable {
  /// The longest payload that our settings allow.
  package var maximumFrameSize = 16_384

  package init(maximumFrameSize: Int = 16_384) { self.maximumFrameSize = maximumFrameSize }

  /// The frame at `position` of `input`, which is moved past it; `nil` if it is not whole.
  ///
  /// `position` is past the frame after a stream's error, too, so that one goes on behind it.
  package func next(_ input: Span<UInt8>, at position: inout Int) throws(HTTP2Error) -> Frame? {
    guard input.count - position >= FrameHeader.size else { return nil }
    let header = FrameHeader(input, at: position)
    // Section 4.2 would let a stream's frame cost the stream alone, but then its bytes would have to be waited for.
    guard header.length <= maximumFrameSize else { throw .frameSize("A frame is longer than our settings allow.") }
    let start = position + FrameHeader.size
    guard input.count - start >= header.length else { return nil }
    position = start + header.length
    return try Self.frame(header, start..<position, input)
  }

  @inline(__always)
  private static func frame(
    _ header: FrameHeader, _ payload: Range<Int>, _ input: Span<UInt8>
  ) throws(HTTP2Error) -> Frame {
    switch header.type {
    case .data:
      try requireStream(header)
      return .data(
        header.stream, content: try withoutPadding(header, payload, input), length: header.length,
        endsStream: header.flags.contains(.endStream))
    case .headers: return try headers(header, payload, input)
    case .windowUpdate:
      guard header.length == 4 else { throw .frameSize("A WINDOW_UPDATE frame does not have four bytes.") }
      let increment = input.bigEndianWord(at: payload.lowerBound) & 0x7FFF_FFFF
      // Section 6.9: an increment of 0 is an error of the stream or, on stream 0, of the connection.
      guard increment > 0 || header.stream > 0 else { throw .protocolError("A WINDOW_UPDATE frame adds nothing.") }
      return .windowUpdate(header.stream, increment: Int(increment))
    default: return try otherFrame(header, payload, input)
    }
  }

  @inline(__always)
  private static func headers(
    _ header: FrameHeader, _ payload: Range<Int>, _ input: Span<UInt8>
  ) throws(HTTP2Error) -> Frame {
    try requireStream(header)
    let hasPriority = header.flags.contains(.priority)
    guard !hasPriority || payload.count >= (header.flags.contains(.padded) ? 6 : 5) else {
      throw .frameSize("A HEADERS frame ends within its priority.")
    }
    var fragment = try withoutPadding(header, payload, input)
    if hasPriority {
      // Section 6.2: padding is no longer than what is left for the fragment.
      guard fragment.count >= 5 else { throw .protocolError("A frame has more padding than bytes.") }
      try requireOtherParent(header.stream, input, at: fragment.lowerBound)
      fragment = fragment.lowerBound + 5..<fragment.upperBound
    }
    return .headers(
      header.stream, fragment: fragment, endsStream: header.flags.contains(.endStream),
      endsHeaders: header.flags.contains(.endHeaders))
  }

  private static func otherFrame(
    _ header: FrameHeader, _ payload: Range<Int>, _ input: Span<UInt8>
  ) throws(HTTP2Error) -> Frame {
    switch header.type {
    case .continuation:
      try requireStream(header)
      return .continuation(header.stream, fragment: payload, endsHeaders: header.flags.contains(.endHeaders))
    case .priority:
      try requireStream(header)
      // Section 6.3: the one size that costs no more than the stream.
      guard header.length == 5 else { throw .stream(header.stream, .frameSizeError) }
      try requireOtherParent(header.stream, input, at: payload.lowerBound)
      return .priority(header.stream)
    case .resetStream:
      try requireStream(header)
      guard header.length == 4 else { throw .frameSize("An RST_STREAM frame does not have four bytes.") }
      return .resetStream(header.stream, ErrorCode(rawValue: input.bigEndianWord(at: payload.lowerBound)))
    case .settings: return try settings(header, payload)
    case .pushPromise:
      try requireStream(header)
      return .pushPromise(header.stream)
    case .ping:
      try requireConnection(header)
      guard header.length == 8 else { throw .frameSize("A PING frame does not have eight bytes.") }
      let high = UInt64(input.bigEndianWord(at: payload.lowerBound))
      let data = high << 32 | UInt64(input.bigEndianWord(at: payload.lowerBound + 4))
      return header.flags.contains(.acknowledgement) ? .pingAcknowledgement(data) : .ping(data)
    case .goAway:
      try requireConnection(header)
      guard header.length >= 8 else { throw .frameSize("A GOAWAY frame has fewer than eight bytes.") }
      return .goAway(
        lastStream: input.bigEndianWord(at: payload.lowerBound) & StreamID.largest,
        ErrorCode(rawValue: input.bigEndianWord(at: payload.lowerBound + 4)))
    case .priorityUpdate:
      // RFC 9218 section 7.1.
      try requireConnection(header)
      guard header.length >= 4 else { throw .frameSize("A PRIORITY_UPDATE frame has fewer than four bytes.") }
      let stream = input.bigEndianWord(at: payload.lowerBound) & StreamID.largest
      guard stream > 0 else { throw .protocolError("A PRIORITY_UPDATE frame names no stream.") }
      return .priorityUpdate(stream, value: payload.lowerBound + 4..<payload.upperBound)
    default: return .unknown(header.type)
    }
  }

  private static func settings(_ header: FrameHeader, _ payload: Range<Int>) throws(HTTP2Error) -> Frame {
    try requireConnection(header)
    if header.flags.contains(.acknowledgement) {
      guard header.length == 0 else { throw .frameSize("A SETTINGS frame acknowledges and has content.") }
      return .settingsAcknowledgement
    }
    guard header.length % Settings.entrySize == 0 else { throw .frameSize("A SETTINGS frame ends within a setting.") }
    return .settings(payload)
  }

  /// Section 6.1: the first byte of a padded frame says how many of the last are padding.
  @inline(__always)
  private static func withoutPadding(
    _ header: FrameHeader, _ payload: Range<Int>, _ input: Span<UInt8>
  ) throws(HTTP2Error) -> Range<Int> {
    guard header.flags.contains(.padded) else { return payload }
    guard !payload.isEmpty else { throw .frameSize("A padded frame does not say how much padding it has.") }
    let padding = Int(input[payload.lowerBound])
    guard padding < payload.count else { throw .protocolError("A frame has more padding than bytes.") }
    return payload.lowerBound + 1..<payload.upperBound - padding
  }

  /// The priorities of RFC 7540 say nothing any more (RFC 9113 section 5.3.2), but one that no peer means still tells
  /// that it is broken (RFC 7540 section 5.3.1).
  private static func requireOtherParent(_ stream: StreamID, _ input: Span<UInt8>, at start: Int) throws(HTTP2Error) {
    guard input.bigEndianWord(at: start) & StreamID.largest != stream else {
      throw .protocolError("A stream depends on itself.")
    }
  }

  @inline(__always)
  private static func requireStream(_ header: FrameHeader) throws(HTTP2Error) {
    guard header.stream != 0 else { throw .protocolError("A frame of a stream names none.") }
  }

  @inline(__always)
  private static func requireConnection(_ header: FrameHeader) throws(HTTP2Error) {
    guard header.stream == 0 else { throw .protocolError("A frame of the connection names a stream.") }
  }
}

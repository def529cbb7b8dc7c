/// Finds frames in the bytes that a peer sends, and checks each one by itself (RFC 9113 sections 4 and 6).
///
/// It keeps no bytes: the caller keeps an incomplete frame, and passes it again with more.
package struct FrameDecoder: Sendable {
  /// The longest payload that our settings allow.
  package var maximumFrameSize = 16_384

  package init(maximumFrameSize: Int = 16_384) { self.maximumFrameSize = maximumFrameSize }

  /// Returns the frame at `position`, and moves `position` past it. Returns `nil` if the frame is incomplete.
  ///
  /// `position` is also moved past a frame with a stream error, so that decoding can continue.
  package func next(_ input: Span<UInt8>, at position: inout Int) throws(HTTP2Error) -> Frame? {
    guard input.count - position >= FrameHeader.size else { return nil }
    let header = FrameHeader(input, at: position)
    // Section 4.2 would let this be an error of the stream alone, but then the rest of the frame would have to be read.
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
      guard increment > 0 || header.stream > 0 else { throw .protocolError("A WINDOW_UPDATE increment is zero.") }
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
      // Section 6.2: the padding must fit into what follows the priority.
      guard fragment.count >= 5 else { throw .protocolError("A frame has more padding than bytes.") }
      try requireNoSelfDependency(header.stream, input, at: fragment.lowerBound)
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
      // Section 6.3: the only wrong size that is an error of the stream alone.
      guard header.length == 5 else { throw .stream(header.stream, .frameSizeError) }
      try requireNoSelfDependency(header.stream, input, at: payload.lowerBound)
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
      guard header.length == 0 else { throw .frameSize("A SETTINGS acknowledgement has a payload.") }
      return .settingsAcknowledgement
    }
    guard header.length % Settings.entrySize == 0 else { throw .frameSize("A SETTINGS frame ends within a setting.") }
    return .settings(payload)
  }

  /// Removes the padding. Section 6.1: the first byte of a padded frame is the number of padding bytes at its end.
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

  /// The priorities of RFC 7540 are obsolete (RFC 9113 section 5.3.2), but a stream that depends on itself still shows
  /// that the peer is broken (RFC 7540 section 5.3.1).
  private static func requireNoSelfDependency(
    _ stream: StreamID, _ input: Span<UInt8>, at start: Int
  ) throws(HTTP2Error) {
    guard input.bigEndianWord(at: start) & StreamID.largest != stream else {
      throw .protocolError("A stream depends on itself.")
    }
  }

  @inline(__always)
  private static func requireStream(_ header: FrameHeader) throws(HTTP2Error) {
    guard header.stream != 0 else { throw .protocolError("A frame that needs a stream has stream 0.") }
  }

  @inline(__always)
  private static func requireConnection(_ header: FrameHeader) throws(HTTP2Error) {
    guard header.stream == 0 else { throw .protocolError("A frame of the connection has a stream other than 0.") }
  }
}

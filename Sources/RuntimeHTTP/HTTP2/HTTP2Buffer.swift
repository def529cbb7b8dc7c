/// Memory for what is read or written, in one pair of hands at a time.
final class HTTP2Buffer: @unchecked Sendable {  // in one pair of hands, as said above
  /// The longest frame that we let a peer send.
  static let leastRoom = FrameHeader.size + 16_384
  static let capacity = 2 * leastRoom
  /// One that has grown past this is not kept.
  private static let largest = 256 * 1024
  /// What the answer to a small request takes.
  static let leastOutput = 256
  /// What a connection keeps for its answers while it has streams: enough for a batch of small requests.
  static let keptOutput = 4096

  @exclusivity(unchecked) var bytes = ByteBuffer(capacity: capacity)

  /// Whether what is there may begin a DATA frame: the fourth byte tells.
  var mayHoldData: Bool { bytes.count < 4 || bytes.taken[3] == FrameType.data.rawValue }

  /// The stream of the frame that it begins, if that is there.
  var streamOfData: StreamID? {
    bytes.count < FrameHeader.size ? nil : FrameHeader(bytes.taken.span, at: 0).stream
  }
}

extension HTTP2Buffer: Reusable {
  func reset() -> Bool {
    bytes.removeAll()
    return bytes.capacity <= Self.largest
  }
}

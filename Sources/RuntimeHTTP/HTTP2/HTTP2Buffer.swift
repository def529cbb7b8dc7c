/// Memory for what is written, in one pair of hands at a time.
final class HTTP2Buffer: @unchecked Sendable {  // in one pair of hands, as said above
  private static let capacity = 32 * 1024
  /// One that has grown past this is not kept.
  private static let largest = 256 * 1024
  /// What the answer to a small request takes.
  static let leastOutput = 256
  /// What a connection keeps for its answers while it has streams: enough for a batch of small requests.
  static let keptOutput = 4096

  @exclusivity(unchecked) var bytes = ByteBuffer(capacity: capacity)
  /// The requests that end with these bytes, where there are observers.
  @exclusivity(unchecked) var traces: [RequestTrace] = []
}

extension HTTP2Buffer: Reusable {
  func reset() -> Bool {
    bytes.removeAll()
    return bytes.capacity <= Self.largest
  }
}

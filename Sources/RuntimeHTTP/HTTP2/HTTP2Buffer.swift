/// A buffer for output, used by one task at a time.
final class HTTP2Buffer: @unchecked Sendable {  // one task at a time, as said above
  private static let capacity = 32 * 1024
  /// The largest capacity that is kept.
  private static let largest = 256 * 1024
  /// The room for the response to a small request, in bytes.
  static let leastOutput = 256
  /// The capacity that a connection keeps for responses while it has streams: enough for a batch of small requests.
  static let keptOutput = 4096

  @exclusivity(unchecked) var bytes = ByteBuffer(capacity: capacity)
  /// The traces of the requests that end with these bytes, if there are observers.
  @exclusivity(unchecked) var traces: [RequestTrace] = []
}

extension HTTP2Buffer: Reusable {
  func reset() -> Bool {
    bytes.removeAll()
    return bytes.capacity <= Self.largest
  }
}

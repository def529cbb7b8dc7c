import Runtime

extension ByteBuffer {
  /// Reads into ``room`` what is available from `stream` without waiting.
  ///
  /// - Returns: The number of bytes; 0 if the peer has finished, and `nil` if nothing is available yet.
  @inline(__always)
  mutating func tryFill(from stream: some ByteStream) throws(IOError) -> Int? {
    // The caller owns the buffer until this returns, so the room does not move.
    var free = OutputRawSpan(buffer: room, initializedCount: 0)
    guard let count = try stream.tryRead(into: &free) else { return nil }
    commit(count)
    return count
  }
}

import Runtime

extension ByteBuffer {
  /// Reads into ``room`` what `stream` has, if that needs no waiting.
  ///
  /// - Returns: how many bytes that was, 0 if the peer has finished; `nil` if only waiting can tell.
  @inline(__always)
  mutating func tryFill(from stream: some ByteStream) throws(IOError) -> Int? {
    // The buffer is the caller's until this returns, so the room stays where it is.
    var free = OutputRawSpan(buffer: room, initializedCount: 0)
    guard let count = try stream.tryRead(into: &free) else { return nil }
    commit(count)
    return count
  }
}

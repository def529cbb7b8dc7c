/// Streams by the array: simpler than by spans, for an allocation a call.
extension ByteStream {
  /// Reads at least one byte and at most `limit`, as ``read(into:)`` does.
  ///
  /// - Returns: what was read; nothing if and only if the peer has finished writing (or `limit` is 0).
  public func read(upTo limit: Int = 16 * 1024) async throws(IOError) -> [UInt8] {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
    defer { memory.deallocate() }
    var buffer = OutputRawSpan(buffer: memory, initializedCount: 0)
    let count = try await read(into: &buffer)
    return Array(memory.prefix(count))
  }

  /// Writes all of `bytes`, as the requirement of the same name does.
  public func write(_ bytes: [UInt8]) async throws(IOError) { try await write(bytes.span.bytes) }
}

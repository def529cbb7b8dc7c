/// Reads and writes of arrays: simpler than spans, at the cost of an allocation per call.
extension ByteStream {
  /// Reads at least one byte and at most `limit`. See ``read(into:)``.
  ///
  /// - Returns: the bytes read; none if and only if the peer has finished writing (or `limit` is 0).
  public func read(upTo limit: Int = 16 * 1024) async throws(IOError) -> [UInt8] {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
    defer { memory.deallocate() }
    var buffer = OutputRawSpan(buffer: memory, initializedCount: 0)
    let count = try await read(into: &buffer)
    return Array(memory.prefix(count))
  }

  /// Writes all of `bytes`. See the protocol requirement of the same name.
  public func write(_ bytes: [UInt8]) async throws(IOError) { try await write(bytes.span.bytes) }
}

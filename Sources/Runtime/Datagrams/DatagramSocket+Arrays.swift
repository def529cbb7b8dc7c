/// Datagrams as arrays: simpler than spans, at the cost of two allocations per datagram.
extension DatagramSocket {
  /// Waits for a datagram and returns it, truncated to `limit` bytes. No UDP datagram exceeds the default limit.
  public func receive(upTo limit: Int = 64 * 1024) async throws(IOError) -> Datagram {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: limit, alignment: 1)
    defer { memory.deallocate() }
    var buffer = OutputRawSpan(buffer: memory, initializedCount: 0)
    let receipt = try await receive(into: &buffer)
    return Datagram(
      Array(memory.prefix(receipt.byteCount)), from: receipt.sender, isTruncated: receipt.isTruncated)
  }

  /// Sends `bytes` to `address` as one datagram. See the protocol requirement of the same name.
  public func send(_ bytes: [UInt8], to address: SocketAddress) async throws(IOError) {
    try await send(bytes.span.bytes, to: address)
  }

  /// Sends `bytes` to the peer as one datagram. See the protocol requirement of the same name.
  public func send(_ bytes: [UInt8]) async throws(IOError) { try await send(bytes.span.bytes) }
}

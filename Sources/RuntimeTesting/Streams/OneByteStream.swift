public import Runtime

/// A stream that transfers one byte at a time, for tests of parsers and framing that must not depend on how bytes are
/// grouped.
public struct OneByteStream<Base: ByteStream>: ByteStream {
  private let base: Base

  /// Wraps `base` and transfers its bytes one at a time.
  public init(_ base: Base) { self.base = base }

  public func waitUntilReadable() async throws(IOError) { try await base.waitUntilReadable() }

  public func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    if buffer.freeCapacity == 0 { return 0 }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
    defer { memory.deallocate() }
    var one = OutputRawSpan(buffer: memory, initializedCount: 0)
    let count = try await base.read(into: &one)
    if count == 1 { buffer.append(memory[0]) }
    return count
  }

  public func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int {
    try await base.writeSome(bytes.extracting(first: 1))
  }

  public func shutdownWrite() async throws(IOError) { try await base.shutdownWrite() }
  public func close() { base.close() }
  public func closeOrderly() { base.closeOrderly() }
  public func closeAndWait() async { await base.closeAndWait() }
  public func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? { base.attribute(type) }
  public var peerAddress: SocketAddress? { base.peerAddress }
  public var localAddress: SocketAddress? { base.localAddress }
}

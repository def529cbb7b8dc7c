public import Runtime

/// A stream that moves one byte at a time: what is parsed or framed here must not depend on how bytes arrive together.
public struct OneByteStream<Base: ByteStream>: ByteStream {
  private let base: Base

  /// Moves the bytes of `base` one at a time.
  public init(_ base: Base) { self.base = base }

  public func readable() async throws(IOError) { try await base.readable() }

  public func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    if buffer.freeCapacity == 0 { return 0 }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1, alignment: 1)
    defer { memory.deallocate() }
    var one = OutputRawSpan(buffer: memory, initializedCount: 0)
    let count = try await base.read(into: &one)
    if count == 1 { buffer.append(memory[0]) }
    return count
  }

  public func write(_ bytes: RawSpan) async throws(IOError) {
    for index in 0..<bytes.byteCount { try await base.write(bytes.extracting(index..<index + 1)) }
  }

  public func shutdownWrite() throws(IOError) { try base.shutdownWrite() }
  public func close() { base.close() }
  public var peerAddress: SocketAddress? { base.peerAddress }
  public var localAddress: SocketAddress? { base.localAddress }
}

/// A type-erased stream, for heterogeneous collections and for code that should not be specialised for each stream
/// type.
///
/// Each operation costs a dynamic dispatch, and an allocation if it suspends.
public struct AnyStream: ByteStream {
  private let base: any ByteStream

  /// Wraps `base`. If `base` is an `AnyStream` itself, wraps what it contains.
  public init(_ base: some ByteStream) {
    self.base = (base as? AnyStream)?.base ?? base
  }

  public func waitUntilReadable() async throws(IOError) { try await base.waitUntilReadable() }
  public func waitUntilReadableOrClosed() async throws(IOError) { try await base.waitUntilReadableOrClosed() }

  public func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int { try await base.read(into: &buffer) }
  public func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int? { try base.tryRead(into: &buffer) }

  public func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int { try await base.writeSome(bytes) }
  public func write(_ bytes: RawSpan) async throws(IOError) { try await base.write(bytes) }
  public func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError) { try await base.write(first, second) }
  public func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int { try base.tryWrite(bytes) }

  public func shutdownWrite() async throws(IOError) { try await base.shutdownWrite() }
  public func close() { base.close() }
  public func closeOrderly() { base.closeOrderly() }
  public func closeAndWait() async { await base.closeAndWait() }

  public func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? { base.attribute(type) }
  public var peerAddress: SocketAddress? { base.peerAddress }
  public var localAddress: SocketAddress? { base.localAddress }
}

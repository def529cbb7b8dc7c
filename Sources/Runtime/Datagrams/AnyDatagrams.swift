/// A type-erased datagram socket, like ``AnyStream`` for streams.
public struct AnyDatagrams: DatagramSocket {
  private let base: any DatagramSocket

  /// Wraps `base`. If `base` is an `AnyDatagrams` itself, wraps what it contains.
  public init(_ base: some DatagramSocket) {
    self.base = (base as? AnyDatagrams)?.base ?? base
  }

  public var localAddress: SocketAddress { base.localAddress }
  public var peerAddress: SocketAddress? { base.peerAddress }

  public func connect(to address: SocketAddress) throws(IOError) { try base.connect(to: address) }

  public func receive(into buffer: inout OutputRawSpan) async throws(IOError) -> DatagramReceipt {
    try await base.receive(into: &buffer)
  }

  public func send(_ bytes: RawSpan, to address: SocketAddress) async throws(IOError) {
    try await base.send(bytes, to: address)
  }

  public func send(_ bytes: RawSpan) async throws(IOError) { try await base.send(bytes) }

  public func close() { base.close() }
  public func closeAndWait() async { await base.closeAndWait() }
}

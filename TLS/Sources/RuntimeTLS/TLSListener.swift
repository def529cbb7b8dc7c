public import Runtime

/// A listener whose connections are TLS streams.
///
/// `accept` does not wait for the handshake. ``TLSStream/handshake()``, or the first operation of the stream, performs
/// it.
public struct TLSListener<Base: StreamListener>: StreamListener {
  private let base: Base
  private let source: TLSSource

  /// Creates a listener on top of `base`. Each connection uses the settings of `source` at the time it is accepted.
  public init(_ base: Base, source: TLSSource) {
    self.base = base
    self.source = source
  }

  public var localAddress: SocketAddress { base.localAddress }

  public func accept() async throws(IOError) -> TLSStream<Base.Stream> {
    try TLSStream(server: try await base.accept(), source: source)
  }

  public func close() { base.close() }
  public func closeAndWait() async { await base.closeAndWait() }
}

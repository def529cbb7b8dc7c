public import Runtime

/// A listener whose connections are the server's ends of TLS.
///
/// `accept` waits for no handshake. It is done by ``TLSStream/handshake()``, or by the first operation of the stream.
public struct TLSListener<Base: StreamListener>: StreamListener {
  private let base: Base
  private let source: TLSSource

  /// A listener on top of `base`, whose connections are as `source` says when they are accepted.
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

/// A type-erased listener, whose connections are ``AnyStream``s.
public struct AnyListener: StreamListener {
  private let base: any StreamListener

  /// Wraps `base`. If `base` is an `AnyListener` itself, wraps what it contains.
  public init(_ base: some StreamListener) {
    self.base = (base as? AnyListener)?.base ?? base
  }

  public var localAddress: SocketAddress { base.localAddress }

  public func accept() async throws(IOError) -> AnyStream {
    func accept(from listener: some StreamListener) async throws(IOError) -> AnyStream {
      AnyStream(try await listener.accept())
    }
    return try await accept(from: base)
  }

  public func close() { base.close() }
  public func closeAndWait() async { await base.closeAndWait() }
}

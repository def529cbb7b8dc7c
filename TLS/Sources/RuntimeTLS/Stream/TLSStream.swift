public import Runtime
import RuntimePrimitives

/// A TLS stream on top of another stream, for either end.
///
/// ```swift
/// let context = try TLSContext(TLSConfiguration())
/// let stream = try TLSStream(client: try await runtime.connect(to: address), name: "example.com", context: context)
/// try await stream.handshake()
/// ```
///
/// It follows the contract of `ByteStream`, with these specifics:
///
/// - A TLS failure is an `IOError` whose cause is a ``TLSFailure``. Errors of the base stream are passed on unchanged.
/// - A read returns 0 bytes only if the peer has sent a `close_notify`. If the base stream ends without one, reads fail
///   with a ``TLSFailure`` that says so, and writes still work.
/// - ``close()`` sends no `close_notify`, so the peer knows that data may be missing. ``shutdownWrite()``,
///   ``closeAndWait()`` and, if nothing prevents it, ``closeOrderly()`` send it.
/// - If a ``writeSome(_:)`` is cancelled after its bytes have been encrypted, they count as written and are sent with
///   the next write.
public final class TLSStream<Base: ByteStream>: ByteStream {
  /// The stream that carries the encrypted data.
  public let base: Base
  let isServer: Bool
  /// Retained for as long as the engine uses it.
  private let context: TLSContext
  /// A single lock for the engine and its state. The base stream is never called while it is held.
  let state: Lock<TLSState>

  /// Creates the server's end of a connection with the current settings of `source`, without performing the handshake.
  ///
  /// - Throws: an error of `accept` if there is no memory.
  public convenience init(server base: Base, source: TLSSource) throws(IOError) {
    try self.init(base, source.context, serverName: nil)
  }

  /// Creates the client's end of a connection, without performing the handshake.
  ///
  /// - Parameters:
  ///   - base: the connection.
  ///   - name: the name that the server's certificate must match: a host name (RFC 9525), which is also sent to the
  ///     server, or an IP address. Internationalized names must be in their ASCII form (`xn--`).
  ///   - context: the settings. A session that the context has stored for `name` and the same port is resumed.
  /// - Throws: an error of `connect` if the name is invalid or there is no memory.
  public convenience init(client base: Base, name: String, context: TLSContext) throws(IOError) {
    try self.init(base, context, serverName: name)
  }

  private init(_ base: Base, _ context: TLSContext, serverName: String?) throws(IOError) {
    isServer = serverName == nil
    let operation: IOError.Operation = isServer ? .accept : .connect
    guard let engine = Engine(context, isServer: isServer) else {
      throw IOError(operation, causedBy: TLSFailure(reason: "out of memory"))
    }
    if let serverName, !engine.expect(serverName) {
      throw IOError(operation, causedBy: TLSFailure(reason: "“\(serverName)” is not a valid server name"))
    }
    // Sessions are stored by name and port, because another port may be another server.
    if let serverName { engine.resume("\(serverName) \(base.peerAddress?.port.map { "\($0)" } ?? "")") }
    self.base = base
    self.context = context
    state = Lock(TLSState(engine))
  }

  /// The negotiated parameters; `nil` before the handshake is done.
  public var session: TLSSession? { state.withLock { $0.isEstablished ? $0.engine.session : nil } }

  /// The protocol selected by ALPN, if any.
  var applicationProtocol: String? { state.withLock { $0.engine.applicationProtocol } }

  /// Provides ``TLSSession``, the attributes of the base stream, and `PeerPresence` and `PendingInput` of both.
  ///
  /// Bytes that have arrived but are not decrypted count as pending, although they may contain no application data.
  public func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? {
    if type == TLSSession.self { return session as? Attribute }
    if type == PendingInput.self, state.withLock({ $0.holdsInput }) { return PendingInput(isThere: true) as? Attribute }
    if type == PeerPresence.self, let presence = base.attribute(PeerPresence.self) {
      let hasFinished = presence == .present && state.withLock { $0.hasEnded || $0.isTruncated }
      return (hasFinished ? PeerPresence.finished : presence) as? Attribute
    }
    return base.attribute(type)
  }

  public var peerAddress: SocketAddress? { base.peerAddress }
  public var localAddress: SocketAddress? { base.localAddress }
}

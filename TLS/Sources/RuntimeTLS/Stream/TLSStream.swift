public import Runtime
import RuntimePrimitives

/// A stream over TLS on top of another stream, for either end.
///
/// ```swift
/// let context = try TLSContext(TLSConfiguration())
/// let stream = try TLSStream(client: try await runtime.connect(to: address), name: "example.com", context: context)
/// try await stream.handshake()
/// ```
///
/// It keeps to the contract of `ByteStream`. What is of its own:
///
/// - A failure of TLS is an `IOError` with a ``TLSFailure`` as its cause. Errors of the base stream stay as they are.
/// - A read gives 0 bytes only if the peer has said that it writes no more (`close_notify`). If the base stream ends without,
///   reading fails with a ``TLSFailure`` that says so; writing goes on.
/// - ``close()`` says nothing to the peer, which therefore can tell that something may be missing. ``shutdownWrite()``,
///   ``closeAndWait()`` and, if nothing is in its way, ``closeOrderly()`` say `close_notify`.
/// - A ``writeSome(_:)`` that is cancelled when its bytes are encrypted already has written them: they leave with the next
///   write.
public final class TLSStream<Base: ByteStream>: ByteStream {
  /// The stream that carries what is encrypted.
  public let base: Base
  let isServer: Bool
  /// Kept for as long as the engine uses it.
  private let context: TLSContext
  /// One lock for the engine and what belongs to it. The base stream is never called behind it.
  let state: Lock<TLSState>

  /// The server's end of a connection, which is as `source` says now. The handshake is yet to be done.
  ///
  /// - Throws: an error of `accept` if there is no memory.
  public convenience init(server base: Base, source: TLSSource) throws(IOError) {
    try self.init(base, source.context, serverName: nil)
  }

  /// The client's end of a connection. The handshake is yet to be done.
  ///
  /// - Parameters:
  ///   - base: the connection.
  ///   - name: the server, which its certificate has to be for: a host name (RFC 9525), which the server is told, or an IP
  ///     address. Names beyond ASCII have to be in their ASCII form (`xn--`).
  ///   - context: which servers are trusted, and what else there is to say. A session that it has kept of another connection
  ///     to `name` and the same port is resumed.
  /// - Throws: an error of `connect` if no server can be called that, or there is no memory.
  public convenience init(client base: Base, name: String, context: TLSContext) throws(IOError) {
    try self.init(base, context, serverName: name)
  }

  private init(_ base: Base, _ context: TLSContext, serverName: String?) throws(IOError) {
    isServer = serverName == nil
    let operation: IOError.Operation = isServer ? .accept : .connect
    guard let engine = Engine(context, isServer: isServer) else {
      throw IOError(operation, causedBy: TLSFailure(reason: "there is no memory for a connection"))
    }
    if let serverName, !engine.expect(serverName) {
      throw IOError(operation, causedBy: TLSFailure(reason: "no server can be called “\(serverName)”"))
    }
    // A server is a name and a port: others by that name may be others.
    if let serverName { engine.resume("\(serverName) \(base.peerAddress?.port.map { "\($0)" } ?? "")") }
    self.base = base
    self.context = context
    state = Lock(TLSState(engine))
  }

  /// What both ends have agreed upon; `nil` before the handshake is done.
  public var session: TLSSession? { state.withLock { $0.isEstablished ? $0.engine.session : nil } }

  /// The protocol that ALPN has chosen, if any.
  var applicationProtocol: String? { state.withLock { $0.engine.applicationProtocol } }

  /// ``TLSSession``, what the base stream knows, and what both know of: `PeerPresence` and `PendingInput`.
  ///
  /// Bytes that have come and are not decrypted count as pending, though they may be none of the application's.
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

import Glibc
public import Runtime
public import RuntimeHTTP

extension Server {
  /// A server of the connections that `listener` accepts, over TLS as `source` says.
  ///
  /// ```swift
  /// let source = try TLSSource(.http(identities: [TLSIdentity(certificatePath: "cert.pem", keyPath: "key.pem")]))
  /// let listener = try await runtime.listen(on: .loopback(port: 8443))
  /// try await Server(runtime: runtime, listener: listener, tls: source, handler: router).run()
  /// ```
  ///
  /// The handshake is done in the connection's own task and has as long as `ServerOptions.headTimeout`. ALPN chooses HTTP/2
  /// or HTTP/1; without it HTTP/1 is spoken, which cannot be upgraded to HTTP/2. A client that sends HTTP in the clear gets
  /// a 400.
  ///
  /// - Parameter blocksInHandshakes: whether threads for blocking work do what handshakes compute; see
  ///   ``TLSStream/handshake(computingOn:)``.
  public convenience init<L: StreamListener>(
    runtime: R, listener: L, options: ServerOptions = ServerOptions(), tls source: TLSSource,
    blocksInHandshakes: Bool = false, handler: H
  ) {
    self.init(runtime: runtime, listener: listener, options: options, handler: handler) { stream in
      try await prepare(stream, source) { (tls: TLSStream<L.Stream>) async throws(IOError) in
        if blocksInHandshakes { try await tls.handshake(computingOn: runtime) } else { try await tls.handshake() }
      }
    }
  }
}

/// Does the server's part of a handshake on a connection that HTTP is to be spoken on: what `Server` calls the preparation.
///
/// If the handshake fails, the client is told why, and has until the end of the server's patience to read it. The connection
/// stays the caller's to close.
///
/// - Returns: the stream to speak on, and which protocol ALPN has chosen: HTTP/1 if none. `nil` if the client has gone, as
///   those do that only look whether the port is open.
public func prepareTLS<Base: ByteStream>(
  _ base: Base, _ source: TLSSource
) async throws(IOError) -> (stream: TLSStream<Base>, speaking: ApplicationProtocol)? {
  try await prepare(base, source) { (stream: TLSStream<Base>) async throws(IOError) in try await stream.handshake() }
}

private func prepare<Base: ByteStream>(
  _ base: Base, _ source: TLSSource, _ handshake: (TLSStream<Base>) async throws(IOError) -> Void
) async throws(IOError) -> (stream: TLSStream<Base>, speaking: ApplicationProtocol)? {
  let stream = try TLSStream(server: base, source: source)
  do throws(IOError) {
    try await handshake(stream)
  } catch {
    let failure = error.cause as? TLSFailure
    if failure?.isTruncation == true || error.errno == ECONNRESET || error.errno == EPIPE { return nil }
    if let failure { await refuse(base, for: failure) }
    throw error
  }
  return (stream, stream.applicationProtocol.flatMap { ApplicationProtocol(alpn: $0) } ?? .http1)
}

/// Sees to it that the client reads why it is refused: if a connection is closed while bytes of the client's are unread, the
/// system resets it, and what was written may be lost.
private func refuse(_ base: some ByteStream, for failure: TLSFailure) async {
  do throws(IOError) {
    if failure.isPlainHTTP { try await base.write(Array(plainHTTPResponse.utf8)) }
    try await base.shutdownWrite()
    var left = mostUnread
    while left > 0 {
      let count = try await base.read(upTo: 4096).count
      if count == 0 { return }
      left -= count
    }
  } catch {
    // The client has gone, or has taken too long.
  }
}

/// How much of what a refused client sends is read before it is no longer listened to: more than it has under way.
private let mostUnread = 1024 * 1024

private let plainHTTPResponse: String = {
  let text = "This port speaks HTTPS, and the request came as plain HTTP.\n"
  return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: \(text.utf8.count)\r\n"
    + "Connection: close\r\n\r\n\(text)"
}()

import Glibc
public import Runtime
public import RuntimeHTTP

extension Server {
  /// Creates a server for the connections that `listener` accepts, over TLS with the settings of `source`.
  ///
  /// ```swift
  /// let source = try TLSSource(.http(identities: [TLSIdentity(certificatePath: "cert.pem", keyPath: "key.pem")]))
  /// let listener = try await runtime.listen(on: .loopback(port: 8443))
  /// try await Server(runtime: runtime, listener: listener, tls: source, handler: router).run()
  /// ```
  ///
  /// The handshake runs in the connection's own task, with the time limit `ServerOptions.headTimeout`. ALPN selects
  /// HTTP/2 or HTTP/1. Without ALPN the server uses HTTP/1, which cannot be upgraded to HTTP/2. A client that sends
  /// plain HTTP gets a 400.
  ///
  /// - Parameter blocksInHandshakes: whether handshakes compute on threads for blocking work; see
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

/// Performs the server's side of a handshake on a connection for HTTP: a preparation for `Server`.
///
/// If the handshake fails, the client is told the reason and can read it until the server's time limit. The caller has
/// to close the connection.
///
/// - Returns: the stream, and the protocol selected by ALPN, or HTTP/1 if none. `nil` if the client has disconnected,
///   as port scanners do.
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

/// Lets the client read why it is rejected: if a connection is closed with unread bytes, the system resets it, and what
/// was written may be lost.
private func refuse(_ base: some ByteStream, for failure: TLSFailure) async {
  do throws(IOError) {
    if failure.isPlainHTTP { try await base.write(Array(plainHTTPResponse.utf8)) }
    try await base.shutdownWrite()
    var left = maximumDrainedLength
    while left > 0 {
      let count = try await base.read(upTo: 4096).count
      if count == 0 { return }
      left -= count
    }
  } catch {
    // The client has disconnected, or has taken too long.
  }
}

/// How much is read from a rejected client: more than it can have in flight.
private let maximumDrainedLength = 1024 * 1024

private let plainHTTPResponse: String = {
  let text = "This port expects HTTPS, but the request is plain HTTP.\n"
  return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: \(text.utf8.count)\r\n"
    + "Connection: close\r\n\r\n\(text)"
}()

import Runtime

/// A connection that has to be prepared before it is served, for instance by a TLS handshake.
///
/// The preparation runs in the connection's own task, so that it delays no other connection.
final class UnpreparedConnection<Raw: ByteStream, Stream: ByteStream, H: Handler>:
  ServedConnection, @unchecked Sendable  // It has only constants.
{
  private let raw: Raw
  private let control: ConnectionControl
  private let responder: Responder<H>
  private let prepare: @Sendable (Raw) async throws -> (stream: Stream, speaking: ApplicationProtocol)?

  init(
    _ raw: Raw, _ control: ConnectionControl, _ responder: Responder<H>,
    prepare: @escaping @Sendable (Raw) async throws -> (stream: Stream, speaking: ApplicationProtocol)?
  ) {
    self.raw = raw
    self.control = control
    self.responder = responder
    self.prepare = prepare
  }

  override func run() async {
    if let connection = await prepared() { await connection.run() }
  }

  /// Returns the connection to serve. If there is none, closes the stream and returns `nil`.
  private func prepared() async -> ServedConnection? {
    control.beginPreparation()
    guard !responder.context.isClosingIdle else {
      raw.close()
      return nil
    }
    let peer = raw.peerAddress
    do {
      guard let (stream, speaking) = try await prepare(raw) else {
        raw.close()
        return nil
      }
      control.endPreparation(stream)
      return ServedConnection.make(stream, speaking: speaking, control, responder)
    } catch {
      raw.close()
      // Failures that the server itself caused are not logged.
      if !control.hasExpired, !Task.isCancelled { responder.context.logPreparation(error, peer) }
      return nil
    }
  }
}

extension ConnectionContext {
  fileprivate func logPreparation(_ error: any Error, _ peer: SocketAddress?) {
    let connection = peer.map { "\($0)" } ?? "a connection"
    options.log(LogEvent(.warning, "\(connection): preparation failed: \(error)"))
  }
}

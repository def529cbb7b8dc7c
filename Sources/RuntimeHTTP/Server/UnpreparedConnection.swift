import Runtime

/// A connection that has to be prepared before it is served, as by a TLS handshake.
///
/// The preparation is done in the connection's own task, so that no other connection waits for it.
final class UnpreparedConnection<Raw: ByteStream, Stream: ByteStream, H: Handler>:
  ServedConnection, @unchecked Sendable  // It has constants only.
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

  /// The connection to serve; `nil`, and the stream closed, if there is none.
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
      // What the server itself has ended is no news.
      if !control.hasExpired, !Task.isCancelled { responder.context.logPreparation(error, peer) }
      return nil
    }
  }
}

extension ConnectionContext {
  fileprivate func logPreparation(_ error: any Error, _ peer: SocketAddress?) {
    let connection = peer.map { "\($0)" } ?? "a connection"
    options.log(LogEvent(.warning, "\(connection): preparing it failed: \(error)"))
  }
}

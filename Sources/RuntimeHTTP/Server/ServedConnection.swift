import Runtime
import RuntimeKit

/// A connection that is served to its end, of any type of stream and handler.
///
/// A class and not a protocol: a call through a protocol has a frame of its own, with which the memory of an idle
/// connection would not fit into the kilobyte that Swift first gives a task.
class ServedConnection: @unchecked Sendable {  // It has no state, and its subclasses have only constants.
  /// Serves the connection to its end, then closes the stream.
  func run() async {}

  /// Returns the connection that speaks `protocol` on `stream`.
  ///
  /// Most servers use a router. For them the engine is compiled for sockets, and once more for all other streams, so
  /// that this code need not look up the types of stream and handler at run time.
  static func make<Stream: ByteStream, H: Handler>(
    _ stream: Stream, speaking protocol: ApplicationProtocol, _ control: ConnectionControl, _ responder: Responder<H>
  ) -> ServedConnection {
    if `protocol` == .http2 { return HTTP2ServedConnection(stream, control, responder) }
    let mayUpgrade = `protocol` == .detected
    guard let responder = responder as? Responder<Router> else {
      return HTTP1Connection(stream, control, responder, mayUpgrade: mayUpgrade)
    }
    guard let socket = stream as? SocketStream else {
      return RouterOnStream(AnyStream(stream), control, responder, mayUpgrade: mayUpgrade)
    }
    return RouterOnSocket(socket, control, responder, mayUpgrade: mayUpgrade)
  }
}

private final class RouterOnSocket: HTTP1Connection<SocketStream, Router>, @unchecked Sendable {  // As above.
  override func run() async { await super.run() }
}

private final class RouterOnStream: HTTP1Connection<AnyStream, Router>, @unchecked Sendable {  // As above.
  override func run() async { await super.run() }
}

/// A connection that uses HTTP/2 from the first byte.
private final class HTTP2ServedConnection<Stream: ByteStream, H: Handler>:
  ServedConnection, @unchecked Sendable  // As above.
{
  private let connection: HTTP2Connection<Stream, H>

  init(_ stream: Stream, _ control: ConnectionControl, _ responder: Responder<H>) {
    connection = HTTP2Connection(stream, control, responder)
  }

  override func run() async {
    connection.start()
    await connection.run()
  }
}

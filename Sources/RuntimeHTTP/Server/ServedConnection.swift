import Runtime
import RuntimeKit

/// A connection that is served to its end, whatever its stream and its handler are.
///
/// A class and not a protocol: a call by way of a protocol has a frame of its own, and then what an idle connection keeps
/// would not fit into the kilobyte that Swift gives a task first.
class ServedConnection: @unchecked Sendable {  // It has nothing, and what inherits it has constants only.
  /// Serves the connection to its end, and closes the stream.
  func run() async {}

  /// The connection on `stream`, which speaks `protocol`.
  ///
  /// Most servers have a router; for them the engine is compiled for sockets, and once for all other streams. Such code
  /// need not look up at every turn what kind of stream and of handler it has.
  static func make<Stream: ByteStream, H: Handler>(
    _ stream: Stream, speaking protocol: ApplicationProtocol, _ control: ConnectionControl, _ responder: Responder<H>
  ) -> ServedConnection {
    if `protocol` == .http2 { return ConnectionByHTTP2(stream, control, responder) }
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

/// A connection that speaks HTTP/2 from the first byte.
private final class ConnectionByHTTP2<Stream: ByteStream, H: Handler>:
  ServedConnection, @unchecked Sendable  // As above.
{
  private let connection: HTTP2Connection<Stream, H>

  init(_ stream: Stream, _ control: ConnectionControl, _ responder: Responder<H>) {
    connection = HTTP2Connection(stream, control, responder)
  }

  override func run() async {
    connection.begin()
    await connection.run()
  }
}

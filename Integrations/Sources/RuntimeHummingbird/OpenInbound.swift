import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import Synchronization

/// A request whose body is one of Hummingbird's own, so that `consumeWithCancellationOnInboundClose` works on it.
///
/// That function waits for the next part of the connection's input, to learn that the client has gone, and ends the
/// process for a body that does not come from a channel. Only Hummingbird's HTTP channel makes such a body. So it is run
/// here, on a channel that is none, as far as the head of this one request. The input that it has opened then stays open:
/// waiting for it ends when the task is cancelled, as the engine does when the client goes.
enum OpenInbound {
  /// - Parameters:
  ///   - head: the head of the request.
  ///   - channel: ends the input, when it is ended.
  static func request(_ head: HTTPRequest, on channel: EngineChannel) async -> Request? {
    let made = Mutex<Request?>(nil)
    let opened = Mutex<NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>?>(nil)
    channel.eventLoop.execute {
      guard
        let open = try? NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(wrappingChannelSynchronously: channel)
      else { return }
      channel.pipeline.fireChannelRead(HTTPRequestPart.head(head))
      channel.pipeline.fireChannelReadComplete()
      opened.withLock { $0 = open }
    }
    guard let open = opened.withLock({ $0 }) else { return nil }
    let server = HTTP1Channel { request, _, _ in
      made.withLock { $0 = request }
      // This ends the channel's handling of the input, and not the input.
      throw CancellationError()
    }
    await server.handleHTTP(asyncChannel: open, logger: silentLogger)
    return made.withLock { $0 }
  }

  private static let silentLogger = Logger(label: "gearbox.open-inbound") { _ in SwiftLogNoOpLogHandler() }
}

import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import Synchronization

/// The input of a substitute SwiftNIO channel that receives nothing and stays open.
///
/// `consumeWithCancellationOnInboundClose` waits for the next part of the connection's input to notice that the client
/// has disconnected, and traps for a body without an input. Only Hummingbird's own HTTP channel creates a body with an
/// input, and a body that replaces it keeps the input. A wait for this input ends when the task is cancelled, which the
/// engine does when the client disconnects.
final class OpenInput: Sendable {
  /// A body that contains the input. The body itself must not be read.
  let body: HummingbirdCore.RequestBody
  private let channel: EngineChannel
  private let taskCount: Int

  /// Makes Hummingbird's HTTP channel begin a request on a substitute channel. Returns `nil` if that fails.
  static func make() async -> OpenInput? {
    let channel = EngineChannel()
    guard let body = await body(on: channel) else {
      channel.tearDown()
      return nil
    }
    // At this point, all temporary objects have been released.
    return OpenInput(body, channel)
  }

  private init(_ body: HummingbirdCore.RequestBody, _ channel: EngineChannel) {
    self.body = body
    self.channel = channel
    taskCount = channel.taskCount
  }

  deinit { channel.tearDown() }

  /// Whether no task has waited for the input: the end of a wait submits a task to the channel's loop and ends the
  /// input.
  var isUntouched: Bool { channel.taskCount == taskCount }

  private static func body(on channel: EngineChannel) async -> HummingbirdCore.RequestBody? {
    let body = Mutex<HummingbirdCore.RequestBody?>(nil)
    let opened = Mutex<NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>?>(nil)
    channel.eventLoop.execute {
      guard
        let open = try? NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>(wrappingChannelSynchronously: channel)
      else { return }
      let head = HTTPRequest(method: .get, scheme: nil, authority: nil, path: "/")
      channel.pipeline.fireChannelRead(HTTPRequestPart.head(head))
      channel.pipeline.fireChannelReadComplete()
      opened.withLock { $0 = open }
    }
    guard let open = opened.withLock({ $0.take() }) else { return nil }
    let server = HTTP1Channel { request, _, _ in
      body.withLock { $0 = request.body }
      // This ends the channel's handling of the input, but not the input.
      throw CancellationError()
    }
    await server.handleHTTP(asyncChannel: open, logger: silentLogger)
    return body.withLock { $0 }
  }

  private static let silentLogger = Logger(label: "gearbox.open-input") { _ in SwiftLogNoOpLogHandler() }
}

/// A pool of unused inputs. Creating one costs several times the rest of a request.
final class OpenInputs: Sendable {
  /// The maximum number of pooled inputs: as many as requests are often handled at once. Each takes some kilobytes.
  private static let maximumKept = 256

  private let kept = Mutex<[OpenInput]>([])

  /// Returns an input for a request, which is returned to the pool at the end of the request.
  func acquire() async -> OpenInput? {
    if let input = kept.withLock({ $0.popLast() }) { return input }
    return await OpenInput.make()
  }

  /// Returns `input` to the pool, if it is unchanged.
  func release(_ input: OpenInput) {
    guard input.isUntouched else { return }
    kept.withLock { if $0.count < Self.maximumKept { $0.append(input) } }
  }
}

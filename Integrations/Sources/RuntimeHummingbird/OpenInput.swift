import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes
import Synchronization

/// The input of a channel of SwiftNIO that has nothing more to say, and stays open.
///
/// `consumeWithCancellationOnInboundClose` waits for the next part of the connection's input, to learn that the client has
/// gone, and ends the process for a body that has none. Only Hummingbird's own HTTP channel makes a body with an input, and
/// a body that takes its place keeps that. Waiting for this input ends when the task is cancelled, as the engine does when
/// the client goes.
final class OpenInput: Sendable {
  /// A body whose input it is; not to be read itself.
  let body: HummingbirdCore.RequestBody
  private let channel: EngineChannel
  private let taskCount: Int

  /// Has Hummingbird's HTTP channel begin with a request, on a channel that stands in for one; `nil` if it does not.
  static func make() async -> OpenInput? {
    let channel = EngineChannel()
    guard let body = await body(on: channel) else {
      channel.end()
      return nil
    }
    // Here, where all that has made it has been let go.
    return OpenInput(body, channel)
  }

  private init(_ body: HummingbirdCore.RequestBody, _ channel: EngineChannel) {
    self.body = body
    self.channel = channel
    taskCount = channel.taskCount
  }

  deinit { channel.end() }

  /// Whether nothing has waited for it: the end of a wait is a task on its channel's loop, and ends the input.
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
      // This ends the channel's handling of the input, and not the input.
      throw CancellationError()
    }
    await server.handleHTTP(asyncChannel: open, logger: silentLogger)
    return body.withLock { $0 }
  }

  private static let silentLogger = Logger(label: "gearbox.open-input") { _ in SwiftLogNoOpLogHandler() }
}

/// Inputs that no request has just now. To make one costs several times what the rest of a request does.
final class OpenInputs: Sendable {
  /// As many are kept as requests are often answered at once. Each is some kilobytes.
  private static let mostKept = 256

  private let kept = Mutex<[OpenInput]>([])

  /// An input for a request, which is given back when the request is over.
  func take() async -> OpenInput? {
    if let input = kept.withLock({ $0.popLast() }) { return input }
    return await OpenInput.make()
  }

  /// Keeps `input` for another request, if it is as it was.
  func giveBack(_ input: OpenInput) {
    guard input.isUntouched else { return }
    kept.withLock { if $0.count < Self.mostKept { $0.append(input) } }
  }
}

import HTTPTypes
import HummingbirdCore
import NIOCore
import RuntimeHTTP
import RuntimeHTTPTypes
import Synchronization

/// A request on its way through Hummingbird, from its head to the last byte of its response.
final class EngineExchange: Sendable {
  /// The input behind the request's body.
  let input: OpenInput?
  private let inputs: OpenInputs
  private let channel = Mutex<EngineChannel?>(nil)

  /// An exchange that has one of `inputs` while it lasts.
  init(_ inputs: OpenInputs) async {
    self.inputs = inputs
    input = await inputs.take()
  }

  deinit {
    channel.withLock { $0?.end() }
    if let input { inputs.giveBack(input) }
  }

  /// What stands in for the channel of `request`, which is made once it is asked for.
  func channel(for request: RuntimeHTTP.Request) -> EngineChannel {
    channel.withLock { channel in
      if let channel { return channel }
      let new = EngineChannel(remoteAddress: request.remoteAddress)
      channel = new
      return new
    }
  }

  /// The response that `response` is, whose content is written as the engine takes it.
  ///
  /// - Parameter method: that of the request.
  func response(
    _ response: HummingbirdCore.Response, to method: RuntimeHTTP.Method
  ) async throws -> RuntimeHTTP.Response {
    var own = RuntimeHTTP.Response(
      status: Status(UInt16(response.status.code)), headers: try HeaderFields(response.headers))
    if method == .head || response.status.forbidsContent {
      // The engine would not ask for the content. What middleware does when it has been written has to be done.
      try? await response.body.write(NoContentWriter())
      return own
    }
    own.body = .stream(length: response.body.contentLength) { [self] writer in
      try await response.body.write(EngineBodyWriter(writer))
      // The channel lasts as long as the content is written.
      withExtendedLifetime(self) {}
    }
    return own
  }
}

/// Passes on what Hummingbird writes.
private struct EngineBodyWriter: ResponseBodyWriter {
  /// How much of a buffer is copied at a time.
  private static var pieceLength: Int { 64 * 1024 }

  private let base: BodyWriter

  init(_ base: BodyWriter) { self.base = base }

  mutating func write(_ buffer: ByteBuffer) async throws {
    var buffer = buffer
    if buffer.readableBytes == 0 { return try await base.flush() }
    while let piece = buffer.readBytes(length: min(buffer.readableBytes, Self.pieceLength)), !piece.isEmpty {
      try await base.write(piece)
    }
  }

  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {
    if let trailingHeaders { try base.setTrailers(trailingHeaders) }
  }
}

/// Stops what writes content where there is none.
private struct NoContentWriter: ResponseBodyWriter {
  mutating func write(_ buffer: ByteBuffer) async throws {
    if buffer.readableBytes > 0 { throw CancellationError() }
  }

  consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

extension HTTPResponse.Status {
  /// Whether a response with this status has no content (RFC 9110 section 6.4.1).
  fileprivate var forbidsContent: Bool { kind == .informational || code == 204 || code == 304 }
}

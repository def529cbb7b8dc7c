import HTTPTypes
import HummingbirdCore
import NIOCore
import RuntimeHTTP
import RuntimeHTTPTypes
import Synchronization

/// A request in Hummingbird, from its head to the last byte of its response.
final class EngineExchange: Sendable {
  /// The input behind the request's body.
  let input: OpenInput?
  private let inputs: OpenInputs
  private let channel = Mutex<EngineChannel?>(nil)

  /// Creates an exchange, which uses one of `inputs` while it exists.
  init(_ inputs: OpenInputs) async {
    self.inputs = inputs
    input = await inputs.acquire()
  }

  deinit {
    channel.withLock { $0?.tearDown() }
    if let input { inputs.release(input) }
  }

  /// Returns the substitute channel of `request`, created on first use.
  func channel(for request: RuntimeHTTP.Request) -> EngineChannel {
    channel.withLock { channel in
      if let channel { return channel }
      let new = EngineChannel(remoteAddress: request.remoteAddress)
      channel = new
      return new
    }
  }

  /// Converts `response`. Its content is written as the engine requests it.
  ///
  /// - Parameter method: the method of the request.
  func response(
    _ response: HummingbirdCore.Response, to method: RuntimeHTTP.Method
  ) async throws -> RuntimeHTTP.Response {
    var own = RuntimeHTTP.Response(
      status: Status(UInt16(response.status.code)), headers: try HeaderFields(response.headers))
    if method == .head || response.status.forbidsContent {
      // The engine does not request the content, but middleware may act once it has been written.
      try? await response.body.write(NoContentWriter())
      return own
    }
    own.body = .stream(length: response.body.contentLength) { [self] writer in
      try await response.body.write(EngineBodyWriter(writer))
      // The channel must exist while the content is written.
      withExtendedLifetime(self) {}
    }
    return own
  }
}

/// Forwards what Hummingbird writes.
private struct EngineBodyWriter: ResponseBodyWriter {
  /// The number of bytes copied at a time.
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

/// Stops the writing of content that must not be sent.
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

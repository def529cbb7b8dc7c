import Runtime
import RuntimePrimitives

/// A writer for the content of a response.
///
/// Each write is sent immediately, and waits while the peer does not read. So a slow peer slows the handler, and
/// nothing accumulates in memory. One task writes at a time; a second one gets ``BodyError/busy``. After the end of the
/// response, writing throws ``BodyError/ended``. Cancelling the task ends a waiting write with an `IOError` for the
/// reason `cancelled`, and also ends the connection.
public struct BodyWriter: Sendable {
  private let sink: any BodySink

  init(_ sink: any BodySink) { self.sink = sink }

  /// Sends `bytes`. Does nothing if there are none.
  public func write(_ bytes: [UInt8]) async throws { try await sink.write(bytes) }

  /// Sends `text` as UTF-8.
  public func write(_ text: String) async throws { try await sink.write(Array(text.utf8)) }

  /// Sends the head of the response, if it has not been sent, so that the client gets it before there is any content.
  public func flush() async throws { try await sink.flush() }

  /// Returns a writer that transforms each chunk by `transform` and passes it on to this one.
  public func mapping(_ transform: @escaping @Sendable ([UInt8]) throws -> [UInt8]) -> BodyWriter {
    BodyWriter(MappingSink(base: sink, transform: transform))
  }

  /// Sets the fields to send after the content (RFC 9112 section 7.1.2).
  ///
  /// They are sent only if the content is sent in chunks. Fields that are not allowed in trailers (RFC 9110 section
  /// 6.5.1: framing, routing, and what the recipient must know before the content) are left out.
  public func setTrailers(_ trailers: HeaderFields) throws { try sink.setTrailers(trailers) }
}

/// The destination of a response's content, usually an exchange on a connection.
protocol BodySink: AnyObject, Sendable {
  func write(_ bytes: [UInt8]) async throws
  func flush() async throws
  func setTrailers(_ trailers: HeaderFields) throws
}

/// A sink that transforms each chunk before passing it on.
private final class MappingSink: BodySink {
  private let base: any BodySink
  private let transform: @Sendable ([UInt8]) throws -> [UInt8]

  init(base: any BodySink, transform: @escaping @Sendable ([UInt8]) throws -> [UInt8]) {
    self.base = base
    self.transform = transform
  }

  func write(_ bytes: [UInt8]) async throws {
    if !bytes.isEmpty { try await base.write(transform(bytes)) }
  }

  func flush() async throws { try await base.flush() }

  func setTrailers(_ trailers: HeaderFields) throws { try base.setTrailers(trailers) }
}

/// A sink that keeps the bytes written to it.
final class CollectingSink: BodySink {
  private let limit: Int
  private let bytes = Lock<[UInt8]>([])

  init(limit: Int) { self.limit = limit }

  var collected: [UInt8] { bytes.withLock { $0 } }

  func write(_ more: [UInt8]) async throws {
    try bytes.withLock { bytes in
      guard more.count <= limit - bytes.count else { throw HTTPError(.contentTooLarge) }
      bytes.append(contentsOf: more)
    }
  }

  func flush() async throws {}

  func setTrailers(_ trailers: HeaderFields) throws {}
}

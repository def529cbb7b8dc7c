import Runtime
import RuntimePrimitives

/// Writes the content of a response as it is sent.
///
/// Each write leaves at once, and waits while the peer does not read, so that a slow peer slows the handler and nothing
/// piles up. One task writes at a time; a second gets ``BodyError/busy``. Once the response has ended, writing throws
/// ``BodyError/ended``. Cancelling the task ends a write that waits with an `IOError` for the reason `cancelled`, and
/// the connection with it.
public struct BodyWriter: Sendable {
  private let sink: any BodySink

  init(_ sink: any BodySink) { self.sink = sink }

  /// Sends `bytes`; nothing is sent for none.
  public func write(_ bytes: [UInt8]) async throws { try await sink.write(bytes) }

  /// Sends `text` as UTF-8.
  public func write(_ text: String) async throws { try await sink.write(Array(text.utf8)) }

  /// Sends the head of the response if it has not been sent, so that the client knows before there is any content.
  public func flush() async throws { try await sink.flush() }

  /// A writer in front of this one: it passes on what `transform` makes of each chunk.
  public func mapping(_ transform: @escaping @Sendable ([UInt8]) throws -> [UInt8]) -> BodyWriter {
    BodyWriter(MappingSink(base: sink, transform: transform))
  }

  /// Sets the fields to send after the content (RFC 9112 section 7.1.2).
  ///
  /// They are sent only where the content goes out in chunks, and those that have no place there (RFC 9110 section
  /// 6.5.1: framing, routing, and what the recipient must know before) are left out.
  public func setTrailers(_ trailers: HeaderFields) throws { try sink.setTrailers(trailers) }
}

/// Where the content of a response goes: one exchange of a connection.
protocol BodySink: AnyObject, Sendable {
  func write(_ bytes: [UInt8]) async throws
  func flush() async throws
  func setTrailers(_ trailers: HeaderFields) throws
}

/// Passes on what a function makes of each chunk.
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

/// Keeps what is written.
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

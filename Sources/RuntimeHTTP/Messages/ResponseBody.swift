/// The content of a response: nothing, bytes in memory, or a stream that is written while it is sent.
public struct ResponseBody: Sendable {
  enum Storage: Sendable {
    case bytes([UInt8])
    case stream(length: Int?, produce: @Sendable (BodyWriter) async throws -> Void)
  }

  let storage: Storage

  /// No content.
  public static let empty = ResponseBody(storage: .bytes([]))

  /// Content that is in memory.
  public static func bytes(_ bytes: [UInt8]) -> ResponseBody { ResponseBody(storage: .bytes(bytes)) }

  /// Text that is in memory, sent as UTF-8.
  public static func string(_ text: String) -> ResponseBody { ResponseBody(storage: .bytes(Array(text.utf8))) }

  /// Content that `produce` writes, on the executor of the connection, in the connection's own task.
  ///
  /// The response's head goes out with the first thing written, or with ``BodyWriter/flush()``. An error thrown before
  /// that becomes a response of its own, as if the handler had thrown it; after that the connection is closed at once (over
  /// HTTP/2: the stream is reset), so that the client sees that the content is not whole. `produce` may read the request's body as it goes. It is not
  /// called for a response that has no content (to HEAD, or with status 204 or 304).
  ///
  /// - Parameter length: how many bytes will be written, sent as `Content-Length`. Where it is `nil` the content is
  ///   sent in chunks, or ended by closing the connection to a client of HTTP/1.0. Writing more than `length` throws
  ///   ``BodyError/wrongLength``; having written less closes the connection.
  public static func stream(
    length: Int? = nil, _ produce: @escaping @Sendable (BodyWriter) async throws -> Void
  ) -> ResponseBody {
    ResponseBody(storage: .stream(length: length.map { max(0, $0) }, produce: produce))
  }

  /// Content that comes from `chunks`, each sent as it comes.
  public static func stream<Chunks: AsyncSequence & Sendable>(
    length: Int? = nil, _ chunks: Chunks
  ) -> ResponseBody where Chunks.Element == [UInt8] {
    stream(length: length) { writer in
      for try await chunk in chunks { try await writer.write(chunk) }
    }
  }

  /// How many bytes there are; `nil` where only the end of a stream will tell.
  public var length: Int? {
    switch storage {
    case .bytes(let bytes): bytes.count
    case .stream(let length, _): length
    }
  }

  /// All of the content, for tests and for whoever calls a handler without a network; a stream is run to its end.
  ///
  /// - Throws: ``HTTPError`` with ``Status/contentTooLarge`` if there are more than `limit` bytes, and what the stream
  ///   throws.
  public func collect(upTo limit: Int) async throws -> [UInt8] {
    switch storage {
    case .bytes(let bytes):
      guard bytes.count <= limit else { throw HTTPError(.contentTooLarge) }
      return bytes
    case .stream(_, let produce):
      let sink = CollectingSink(limit: limit)
      try await produce(BodyWriter(sink))
      return sink.collected
    }
  }
}

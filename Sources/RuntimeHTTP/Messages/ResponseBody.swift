import Runtime
import RuntimePrimitives

/// The content of a response: nothing, bytes in memory, or a stream that is written while it is sent.
public struct ResponseBody: Sendable {
  enum Storage: Sendable {
    case bytes([UInt8])
    case stream(length: Int?, produce: @Sendable (BodyWriter) async throws -> Void)
    /// No content: another protocol follows the head.
    case takeover(@Sendable (AnyStream) async throws -> Void)
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

  /// This content, with what `transform` makes of each chunk in its place, for measuring or changing it.
  ///
  /// Content in memory is one chunk, is transformed at once, and stays in memory. A stream is transformed as it is
  /// written.
  ///
  /// - Parameter length: how many bytes there will be, if that is known; content in memory knows by itself.
  public func mapping(
    length: Int? = nil, _ transform: @escaping @Sendable ([UInt8]) throws -> [UInt8]
  ) rethrows -> ResponseBody {
    switch storage {
    case .bytes(let bytes): bytes.isEmpty ? self : .bytes(try transform(bytes))
    case .stream(_, let produce): .stream(length: length) { try await produce($0.mapping(transform)) }
    case .takeover: self
    }
  }

  /// This content, with `wrap` around the writing of it, so that what was in force around the handler stays so.
  ///
  /// ```swift
  /// response.body = response.body.wrapping { produce in
  ///   try await Trace.$current.withValue(trace) { try await produce() }
  /// }
  /// ```
  ///
  /// Content in memory stays as it is: nothing runs for it to be written.
  ///
  /// - Parameter wrap: calls what it is given, once, and throws what that throws.
  public func wrapping(
    _ wrap: @escaping @Sendable (_ produce: () async throws -> Void) async throws -> Void
  ) -> ResponseBody {
    switch storage {
    case .bytes: self
    case .stream(let length, let produce):
      .stream(length: length) { writer in try await wrap { try await produce(writer) } }
    case .takeover(let talk):
      ResponseBody(storage: .takeover { stream in try await wrap { try await talk(stream) } })
    }
  }

  /// This content, with `action` called once when all of it has been written, or with the error for which that has ended.
  ///
  /// Where none is sent (in response to HEAD, or because another response has taken its place) it has succeeded, and
  /// `action` is called when the body is let go. Content in memory is written as a stream is.
  public func onEnd(_ action: @escaping @Sendable (Result<Void, any Error>) -> Void) -> ResponseBody {
    let end = ContentEnd(action)
    if case .takeover(let talk) = storage {
      return ResponseBody(storage: .takeover { stream in try await end.tellEnd { try await talk(stream) } })
    }
    return .stream(length: length) { writer in
      try await end.tellEnd { try await write(to: writer) }
    }
  }

  /// Writes all of the content to `writer`: what a body does that has more to write, or trailers to set.
  ///
  /// ```swift
  /// response.body = .stream { [body = response.body] writer in
  ///   let digest = Digest()
  ///   let digesting = writer.mapping { chunk in
  ///     digest.update(chunk)
  ///     return chunk
  ///   }
  ///   try await body.write(to: digesting)
  ///   try writer.setTrailers(["Content-Digest": digest.value])
  /// }
  /// ```
  public func write(to writer: BodyWriter) async throws {
    switch storage {
    case .bytes(let bytes): try await writer.write(bytes)
    case .stream(_, let produce): try await produce(writer)
    case .takeover: break
    }
  }

  /// How many bytes there are; `nil` where only the end of a stream will tell.
  public var length: Int? {
    switch storage {
    case .bytes(let bytes): bytes.count
    case .stream(let length, _): length
    case .takeover: nil
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
    case .takeover: return []
    case .stream:
      let sink = CollectingSink(limit: limit)
      try await write(to: BodyWriter(sink))
      return sink.collected
    }
  }
}

/// Tells once how the content of a response has ended.
private final class ContentEnd: Sendable {
  private let action: Lock<(@Sendable (Result<Void, any Error>) -> Void)?>

  init(_ action: @escaping @Sendable (Result<Void, any Error>) -> Void) { self.action = Lock(action) }

  deinit { tell(.success(())) }

  /// Calls `body`, and tells how that has ended.
  nonisolated(nonsending) func tellEnd(of body: () async throws -> Void) async throws {
    do {
      try await body()
      tell(.success(()))
    } catch {
      tell(.failure(error))
      throw error
    }
  }

  func tell(_ result: Result<Void, any Error>) { action.withLock { $0.take() }?(result) }
}

import Runtime
import RuntimePrimitives

/// The content of a response: nothing, bytes in memory, or a stream that is written while it is sent.
public struct ResponseBody: Sendable {
  enum Storage: Sendable {
    case bytes([UInt8])
    case stream(length: Int?, produce: @Sendable (BodyWriter) async throws -> Void)
    /// No content: the connection switches to another protocol after the head.
    case takeover(@Sendable (AnyStream) async throws -> Void)
  }

  let storage: Storage

  /// Empty content.
  public static let empty = ResponseBody(storage: .bytes([]))

  /// Returns content that is in memory.
  public static func bytes(_ bytes: [UInt8]) -> ResponseBody { ResponseBody(storage: .bytes(bytes)) }

  /// Returns text in memory as content, encoded as UTF-8.
  public static func string(_ text: String) -> ResponseBody { ResponseBody(storage: .bytes(Array(text.utf8))) }

  /// Returns content that `produce` writes. It runs in the task of the handler, on the executor of the connection.
  ///
  /// The response's head is sent with the first write, or with ``BodyWriter/flush()``. An error thrown before that
  /// becomes a response of its own, as if the handler had thrown it. An error thrown later closes the connection
  /// immediately (over HTTP/2: resets the stream), so that the client sees that the content is incomplete. `produce`
  /// may read the request's body while it writes. It is not called for a response that has no content (to HEAD, or with
  /// status 204 or 304).
  ///
  /// - Parameter length: The number of bytes that will be written, sent as `Content-Length`. If `nil`, the content is
  ///   sent in chunks, or to a client of HTTP/1.0 it is ended by closing the connection. Writing more than `length`
  ///   bytes throws ``BodyError/wrongLength``; writing fewer closes the connection (over
  ///   HTTP/2: resets the stream).
  public static func stream(
    length: Int? = nil, _ produce: @escaping @Sendable (BodyWriter) async throws -> Void
  ) -> ResponseBody {
    ResponseBody(storage: .stream(length: length.map { max(0, $0) }, produce: produce))
  }

  /// Returns content that is read from `chunks`. Each chunk is sent as soon as it arrives.
  public static func stream<Chunks: AsyncSequence & Sendable>(
    length: Int? = nil, _ chunks: Chunks
  ) -> ResponseBody where Chunks.Element == [UInt8] {
    stream(length: length) { writer in
      for try await chunk in chunks { try await writer.write(chunk) }
    }
  }

  /// Returns this content with each chunk replaced by the result of `transform`, for measuring or changing it.
  ///
  /// Content in memory is one chunk, is transformed immediately, and stays in memory. A stream is transformed as it is
  /// written.
  ///
  /// - Parameter length: The number of bytes after the transformation, if known. Ignored for content in memory.
  public func mapping(
    length: Int? = nil, _ transform: @escaping @Sendable ([UInt8]) throws -> [UInt8]
  ) rethrows -> ResponseBody {
    switch storage {
    case .bytes(let bytes): bytes.isEmpty ? self : .bytes(try transform(bytes))
    case .stream(_, let produce): .stream(length: length) { try await produce($0.mapping(transform)) }
    case .takeover: self
    }
  }

  /// Returns this content with `wrap` around its production, so that task-local values and other context that applied
  /// to the handler can apply to the stream too.
  ///
  /// ```swift
  /// response.body = response.body.wrapping { produce in
  ///   try await Trace.$current.withValue(trace) { try await produce() }
  /// }
  /// ```
  ///
  /// Content in memory is returned unchanged, because no code runs to produce it.
  ///
  /// - Parameter wrap: A function that calls its argument once, and rethrows the error of that call.
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

  /// Returns this content with a function that is called once, when all of the content has been written or when writing
  /// it has failed.
  ///
  /// Content that is never sent (in response to HEAD, or because another response replaced this one) counts as success;
  /// `action` is then called when the body is released. Content in memory is written as a stream.
  public func onEnd(_ action: @escaping @Sendable (Result<Void, any Error>) -> Void) -> ResponseBody {
    let end = ContentEnd(action)
    if case .takeover(let talk) = storage {
      return ResponseBody(storage: .takeover { stream in try await end.reportResult { try await talk(stream) } })
    }
    return .stream(length: length) { writer in
      try await end.reportResult { try await write(to: writer) }
    }
  }

  /// Writes all of the content to `writer`. A body that adds content or sets trailers calls this.
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

  /// The length in bytes; `nil` for a stream that does not declare one.
  public var length: Int? {
    switch storage {
    case .bytes(let bytes): bytes.count
    case .stream(let length, _): length
    case .takeover: nil
    }
  }

  /// Returns all of the content, for tests and for callers that use a handler without a network. A stream is run to its
  /// end.
  ///
  /// - Throws: ``HTTPError`` with ``Status/contentTooLarge`` if there are more than `limit` bytes, and any error of the
  ///   stream.
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

/// Calls a function once with the result of writing a response's content.
private final class ContentEnd: Sendable {
  private let action: Lock<(@Sendable (Result<Void, any Error>) -> Void)?>

  init(_ action: @escaping @Sendable (Result<Void, any Error>) -> Void) { self.action = Lock(action) }

  deinit { report(.success(())) }

  /// Calls `body` and reports its result.
  nonisolated(nonsending) func reportResult(of body: () async throws -> Void) async throws {
    do {
      try await body()
      report(.success(()))
    } catch {
      report(.failure(error))
      throw error
    }
  }

  func report(_ result: Result<Void, any Error>) { action.withLock { $0.take() }?(result) }
}

/// The content of a request, as a sequence of chunks of bytes. Chunks are read from the peer only when they are asked
/// for, so a slow handler slows the peer down.
///
/// The content can be read until the response has been sent. After that, reading throws ``BodyError/ended``. One task
/// reads at a time; a second one gets ``BodyError/busy``. Chunks are not kept: a second iteration continues where the
/// first one stopped. Reading runs on the caller's executor. Cancelling the task ends a read with an `IOError` for the
/// reason `cancelled`.
///
/// Reading throws ``HTTPError`` if the peer's framing is invalid, if the content exceeds the limit, or if the peer
/// takes too long. If the handler lets that error propagate, the client gets the response it describes.
public struct RequestBody: Sendable {
  fileprivate enum Storage: Sendable {
    case bytes([UInt8])
    case source(any RequestBodySource)
  }

  /// The most memory that is reserved for announced content before it arrives. The array grows as more comes in.
  private static var largestReservation: Int { 64 * 1024 }

  private let storage: Storage

  /// The length in bytes; `nil` if the peer has not declared it.
  public let length: Int?

  /// Empty content.
  public static let empty = RequestBody([])

  /// Creates content from bytes in memory, for tests and for calling a handler without a network. It can be read
  /// repeatedly.
  public init(_ bytes: [UInt8]) {
    storage = .bytes(bytes)
    length = bytes.count
  }

  /// Creates content that is read from `chunks` on demand. Middleware uses it to replace `original`, the body that
  /// `chunks` reads from.
  ///
  /// ```swift
  /// request.body = RequestBody(Inflated(request.body), replacing: request.body)
  /// request.headers["Content-Encoding"] = nil
  /// ```
  ///
  /// If `chunks` throws an error, this read and all later reads throw it.
  ///
  /// - Parameters:
  ///   - length: The number of bytes, if known.
  ///   - original: The body that provides the ``trailers``. Collected bytes are charged to it.
  public init<Chunks: AsyncSequence & Sendable>(
    _ chunks: Chunks, length: Int? = nil, replacing original: RequestBody = .empty
  ) where Chunks.Element == [UInt8] {
    self.init(ChunkSource(chunks, replacing: original), length: length)
  }

  init(_ source: any RequestBodySource, length: Int?) {
    storage = .source(source)
    self.length = length
  }

  /// Returns this content with each chunk replaced by the result of `transform`, for measuring or changing it.
  ///
  /// Content in memory is one chunk and is transformed immediately. Other content is transformed as it is read.
  ///
  /// - Parameter length: The number of bytes after the transformation, if known. Ignored for content in memory.
  public func mapping(
    length: Int? = nil, _ transform: @escaping @Sendable ([UInt8]) throws -> [UInt8]
  ) rethrows -> RequestBody {
    switch storage {
    case .bytes(let bytes): bytes.isEmpty ? self : RequestBody(try transform(bytes))
    case .source: RequestBody(map(transform), length: length, replacing: self)
    }
  }

  /// Reads the rest of the content. The server counts these bytes as held until the handler has ended.
  ///
  /// - Throws: ``HTTPError`` with ``Status/contentTooLarge`` if there are more than `limit` bytes, or with
  ///   ``Status/serviceUnavailable`` if the server already holds as much as it may
  ///   (``ServerOptions/maximumHeldLength``), and any error of reading.
  public func collect(upTo limit: Int) async throws -> [UInt8] {
    let tooLarge = HTTPError(.contentTooLarge, "The content is over the limit of \(limit) bytes.")
    if let length, length > limit { throw tooLarge }
    var collected: [UInt8] = []
    var counted = 0
    // Content that has been announced may never arrive, so the reservation is bounded.
    if let length { collected.reserveCapacity(Swift.min(length, Self.largestReservation)) }
    for try await chunk in self {
      guard chunk.count <= limit - collected.count else { throw tooLarge }
      collected.append(contentsOf: chunk)
      guard collected.count - counted >= MemoryBudget.step else { continue }
      try noteCollected(collected.count)
      counted = collected.count
    }
    return collected
  }

  /// Reports the number of bytes collected so far to the source.
  func noteCollected(_ count: Int) throws(HTTPError) {
    if case .source(let source) = storage { try source.noteCollected(count) }
  }

  /// The fields sent after the content (RFC 9112 section 7.1.2). Empty until the end of the content has been read.
  public var trailers: HeaderFields {
    switch storage {
    case .bytes: [:]
    case .source(let source): source.trailers
    }
  }
}

extension RequestBody: AsyncSequence {
  /// An iterator over the chunks of the content. No chunk is empty.
  public struct Iterator: AsyncIteratorProtocol {
    private var storage: Storage

    fileprivate init(_ storage: Storage) { self.storage = storage }

    /// Returns the next chunk, or `nil` after the last.
    public mutating func next() async throws -> [UInt8]? {
      switch storage {
      case .bytes(let bytes):
        storage = .bytes([])
        return bytes.isEmpty ? nil : bytes
      case .source(let source):
        return try await source.next()
      }
    }
  }

  /// Returns an iterator over the chunks.
  public func makeAsyncIterator() -> Iterator { Iterator(storage) }
}

/// The source of a request's content, usually an exchange on a connection.
protocol RequestBodySource: AnyObject, Sendable {
  /// Returns the next chunk, which is not empty, or `nil` from the end on.
  func next() async throws -> [UInt8]?
  /// Counts the bytes that the handler has collected so far.
  ///
  /// - Throws: ``HTTPError`` with ``Status/serviceUnavailable`` if there is no room for them.
  func noteCollected(_ count: Int) throws(HTTPError)
  /// The fields sent after the content.
  var trailers: HeaderFields { get }
}

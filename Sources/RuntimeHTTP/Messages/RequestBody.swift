/// The content of a request: chunks of bytes, which are read from the peer as they are asked for and no sooner, so that
/// a slow handler slows the peer.
///
/// It is there until the response has been sent. After that, reading it throws ``BodyError/ended``. One task reads at a
/// time; a second gets ``BodyError/busy``. What has been read is gone: a second iteration goes on where the first one
/// left off. Reading runs on the caller's executor. Cancelling the task ends it with an `IOError` for the reason
/// `cancelled`.
///
/// Reading throws ``HTTPError`` where the peer's framing is wrong, where the content is over the limit, or where the
/// peer takes too long; a handler that lets it pass has the client told so.
public struct RequestBody: Sendable {
  fileprivate enum Storage: Sendable {
    case bytes([UInt8])
    case source(any RequestBodySource)
  }

  /// How much memory is reserved for content that has been announced and has not come: it grows with what comes.
  private static var largestReservation: Int { 64 * 1024 }

  private let storage: Storage

  /// How many bytes there are in all; `nil` where the peer does not say beforehand.
  public let length: Int?

  /// No content.
  public static let empty = RequestBody([])

  /// Content that is in memory, for tests and for calling a handler without a network. It can be read again and again.
  public init(_ bytes: [UInt8]) {
    storage = .bytes(bytes)
    length = bytes.count
  }

  /// Content that comes from `chunks`, which are asked for as it is read: what a middleware puts in place of `original`,
  /// the body that the chunks are made of.
  ///
  /// ```swift
  /// request.body = RequestBody(Inflated(request.body), replacing: request.body)
  /// request.headers["Content-Encoding"] = nil
  /// ```
  ///
  /// Reading throws the error of `chunks`, again and again.
  ///
  /// - Parameters:
  ///   - length: how many bytes there are, if that is known.
  ///   - original: has the ``trailers``, and the server counts what is collected as collected from it.
  public init<Chunks: AsyncSequence & Sendable>(
    _ chunks: Chunks, length: Int? = nil, replacing original: RequestBody = .empty
  ) where Chunks.Element == [UInt8] {
    self.init(ChunkSource(chunks, replacing: original), length: length)
  }

  init(_ source: any RequestBodySource, length: Int?) {
    storage = .source(source)
    self.length = length
  }

  /// This content, with what `transform` makes of each chunk in its place, for measuring or changing it.
  ///
  /// Content in memory is one chunk, and is transformed at once; any other as it is read.
  ///
  /// - Parameter length: how many bytes there will be, if that is known; content in memory knows by itself.
  public func mapping(
    length: Int? = nil, _ transform: @escaping @Sendable ([UInt8]) throws -> [UInt8]
  ) rethrows -> RequestBody {
    switch storage {
    case .bytes(let bytes): bytes.isEmpty ? self : RequestBody(try transform(bytes))
    case .source: RequestBody(map(transform), length: length, replacing: self)
    }
  }

  /// Reads what is left of the content. The server counts it as held until the handler has ended.
  ///
  /// - Throws: ``HTTPError`` with ``Status/contentTooLarge`` if there are more than `limit` bytes, or with
  ///   ``Status/serviceUnavailable`` if the server holds all it may (``ServerOptions/maximumHeldLength``), and what
  ///   reading throws.
  public func collect(upTo limit: Int) async throws -> [UInt8] {
    let tooLarge = HTTPError(.contentTooLarge, "The content is over the limit of \(limit) bytes.")
    if let length, length > limit { throw tooLarge }
    var collected: [UInt8] = []
    var counted = 0
    // What has only been announced may never come.
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

  /// Counts what has been collected of the content so far, in bytes.
  func noteCollected(_ count: Int) throws(HTTPError) {
    if case .source(let source) = storage { try source.noteCollected(count) }
  }

  /// The fields that came after the content (RFC 9112 section 7.1.2); none before its end has been read.
  public var trailers: HeaderFields {
    switch storage {
    case .bytes: [:]
    case .source(let source): source.trailers
    }
  }
}

extension RequestBody: AsyncSequence {
  /// The chunks of the content; none is empty.
  public struct Iterator: AsyncIteratorProtocol {
    private var storage: Storage

    fileprivate init(_ storage: Storage) { self.storage = storage }

    /// The next chunk, or `nil` after the last.
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

  /// Goes through the chunks.
  public func makeAsyncIterator() -> Iterator { Iterator(storage) }
}

/// Where the content of a request comes from: one exchange of a connection.
protocol RequestBodySource: AnyObject, Sendable {
  /// The next chunk, not empty; `nil` at the end, and again after it.
  func next() async throws -> [UInt8]?
  /// Counts what the handler has collected of the content so far, in bytes.
  ///
  /// - Throws: ``HTTPError`` with ``Status/serviceUnavailable`` if there is no room for it.
  func noteCollected(_ count: Int) throws(HTTPError)
  /// What came after the end.
  var trailers: HeaderFields { get }
}

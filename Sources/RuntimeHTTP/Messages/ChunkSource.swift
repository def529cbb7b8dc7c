import Synchronization

/// A source of request content that reads from an asynchronous sequence.
final class ChunkSource<Chunks: AsyncSequence & Sendable>: RequestBodySource, @unchecked Sendable
where Chunks.Element == [UInt8] {  // `isBusy` guards the mutable state
  private let original: RequestBody
  private let isBusy = Atomic(false)
  private var chunks: Chunks.AsyncIterator
  /// The result of the sequence, once it has ended.
  private var end: Result<Void, any Error>?

  init(_ chunks: Chunks, replacing original: RequestBody) {
    self.chunks = chunks.makeAsyncIterator()
    self.original = original
  }

  var trailers: HeaderFields { original.trailers }

  func noteCollected(_ count: Int) throws(HTTPError) { try original.noteCollected(count) }

  func next() async throws -> [UInt8]? {
    guard !isBusy.exchange(true, ordering: .acquiring) else { throw BodyError.busy }
    defer { isBusy.store(false, ordering: .releasing) }
    do {
      while end == nil {
        guard let chunk = try await chunks.next(isolation: #isolation) else {
          end = .success(())
          break
        }
        if !chunk.isEmpty { return chunk }
      }
    } catch {
      end = .failure(error)
    }
    try end?.get()
    return nil
  }
}

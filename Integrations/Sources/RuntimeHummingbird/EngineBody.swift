import NIOCore
import RuntimeHTTP

/// The content of a request as a stream of NIO buffers.
struct EngineBody: AsyncSequence, Sendable {
  struct Iterator: AsyncIteratorProtocol {
    var base: RuntimeHTTP.RequestBody.Iterator

    mutating func next() async throws -> ByteBuffer? { try await base.next().map { ByteBuffer(bytes: $0) } }
  }

  private let base: RuntimeHTTP.RequestBody

  init(_ base: RuntimeHTTP.RequestBody) { self.base = base }

  func makeAsyncIterator() -> Iterator { Iterator(base: base.makeAsyncIterator()) }
}

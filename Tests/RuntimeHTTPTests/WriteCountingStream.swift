import Runtime
import Synchronization

/// A stream that counts the writes to it.
final class WriteCountingStream<Base: ByteStream>: ByteStream {
  let base: Base
  private let count = Atomic<Int>(0)

  init(_ base: Base) { self.base = base }

  var writes: Int { count.load(ordering: .relaxed) }

  func waitUntilReadable() async throws(IOError) { try await base.waitUntilReadable() }
  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int { try await base.read(into: &buffer) }
  func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int {
    count.add(1, ordering: .relaxed)
    return try await base.writeSome(bytes)
  }
  func write(_ bytes: RawSpan) async throws(IOError) {
    count.add(1, ordering: .relaxed)
    try await base.write(bytes)
  }
  func shutdownWrite() async throws(IOError) { try await base.shutdownWrite() }
  func close() { base.close() }
}

import Runtime
import Synchronization

/// A stream that counts what is written to it.
final class WriteCountingStream<Base: ByteStream>: ByteStream {
  let base: Base
  private let count = Atomic<Int>(0)

  init(_ base: Base) { self.base = base }

  var writes: Int { count.load(ordering: .relaxed) }

  func readable() async throws(IOError) { try await base.readable() }
  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int { try await base.read(into: &buffer) }
  func write(_ bytes: RawSpan) async throws(IOError) {
    count.add(1, ordering: .relaxed)
    try await base.write(bytes)
  }
  func shutdownWrite() throws(IOError) { try base.shutdownWrite() }
  func close() { base.close() }
}

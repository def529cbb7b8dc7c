import Runtime
import RuntimeKit
import RuntimePrimitives

/// A stream that reads a limited number of bytes from another, and then reports the end.
final class CutStream: ByteStream {
  private let base: AnyStream
  private let left: Lock<Int>

  init(_ base: AnyStream, after count: Int) {
    self.base = base
    left = Lock(count)
  }

  func waitUntilReadable() async throws(IOError) {
    if left.withLock({ $0 }) > 0 { try await base.waitUntilReadable() }
  }

  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    let most = min(left.withLock { $0 }, buffer.freeCapacity)
    if most == 0 { return 0 }
    let bytes = try await base.read(upTo: most)
    left.withLock { $0 -= bytes.count }
    for byte in bytes { buffer.append(byte) }
    return bytes.count
  }

  func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int { try await base.writeSome(bytes) }
  func shutdownWrite() async throws(IOError) { try await base.shutdownWrite() }
  func close() { base.close() }
}

/// A stream that counts the bytes read from another.
final class CountingStream: ByteStream {
  private let base: AnyStream
  private let counted = Lock(0)

  init(_ base: AnyStream) { self.base = base }

  var count: Int { counted.withLock { $0 } }

  func waitUntilReadable() async throws(IOError) { try await base.waitUntilReadable() }

  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    let count = try await base.read(into: &buffer)
    counted.withLock { $0 += count }
    return count
  }

  func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int { try await base.writeSome(bytes) }
  func shutdownWrite() async throws(IOError) { try await base.shutdownWrite() }
  func close() { base.close() }
}

/// A stream that changes the bytes read from another by ``change``.
final class ChangedStream: ByteStream {
  private let base: AnyStream
  private let change = Lock<@Sendable (inout [UInt8]) -> Void>({ _ in })

  init(_ base: AnyStream) { self.base = base }

  /// Applies `body` to each later read.
  func change(_ body: @escaping @Sendable (inout [UInt8]) -> Void) { change.withLock { $0 = body } }

  func waitUntilReadable() async throws(IOError) { try await base.waitUntilReadable() }

  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    var bytes = try await base.read(upTo: buffer.freeCapacity)
    change.withLock { $0 }(&bytes)
    for byte in bytes { buffer.append(byte) }
    return bytes.count
  }

  func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int { try await base.writeSome(bytes) }
  func shutdownWrite() async throws(IOError) { try await base.shutdownWrite() }
  func close() { base.close() }
}

import Runtime
import RuntimePrimitives

/// A stream that first replays bytes which have already been read.
final class ReplayStream<Base: ByteStream>: ByteStream {
  private let base: Base
  private let replayed: Lock<ArraySlice<UInt8>>

  init(_ bytes: [UInt8], _ base: Base) {
    self.base = base
    replayed = Lock(bytes[...])
  }

  func waitUntilReadable() async throws(IOError) {
    if replayed.withLock({ $0.isEmpty }) { try await base.waitUntilReadable() }
  }

  func waitUntilReadableOrClosed() async throws(IOError) {
    if replayed.withLock({ $0.isEmpty }) { try await base.waitUntilReadableOrClosed() }
  }

  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    if let count = replayed.withLock({ $0.moveFirst(into: &buffer) }) { return count }
    return try await base.read(into: &buffer)
  }

  func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int? {
    if let count = replayed.withLock({ $0.moveFirst(into: &buffer) }) { return count }
    return try base.tryRead(into: &buffer)
  }

  func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int { try await base.writeSome(bytes) }
  func write(_ bytes: RawSpan) async throws(IOError) { try await base.write(bytes) }
  func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError) { try await base.write(first, second) }
  func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int { try base.tryWrite(bytes) }
  func shutdownWrite() async throws(IOError) { try await base.shutdownWrite() }
  func close() { base.close() }
  func closeOrderly() { base.closeOrderly() }
  func closeAndWait() async { await base.closeAndWait() }

  func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? { base.attribute(type) }
  var peerAddress: SocketAddress? { base.peerAddress }
  var localAddress: SocketAddress? { base.localAddress }
}

extension ArraySlice<UInt8> {
  /// Moves bytes from the front to the end of `buffer`, as many as fit.
  ///
  /// - Returns: The number of bytes moved; `nil` if there are none.
  mutating func moveFirst(into buffer: inout OutputRawSpan) -> Int? {
    if isEmpty { return nil }
    let count = Swift.min(self.count, buffer.freeCapacity)
    buffer.append(copying: span.bytes.extracting(first: count))
    removeFirst(count)
    return count
  }
}

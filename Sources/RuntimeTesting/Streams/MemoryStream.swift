public import Runtime

/// One end of an in-memory connection: bytes written to one end are read from the other.
///
/// It follows the contract of ``ByteStream`` as a socket does: a write waits while the peer does not read, each
/// direction ends on its own, and writing fails with `EPIPE` after the peer has closed.
public final class MemoryStream: ByteStream {
  private let incoming: Pipe
  private let outgoing: Pipe

  private init(incoming: Pipe, outgoing: Pipe) {
    self.incoming = incoming
    self.outgoing = outgoing
  }

  /// Returns both ends of a connection that holds at most `capacity` unread bytes in each direction.
  ///
  /// A reader sees at most `capacity` bytes at once. With capacity 0 the ends run in lockstep: a write completes only
  /// when all of it has been read. Code that relies on a buffer between it and its peer then deadlocks.
  public static func pair(capacity: Int = 64 * 1024) -> (MemoryStream, MemoryStream) {
    let (there, back) = (Pipe(capacity: capacity), Pipe(capacity: capacity))
    return (MemoryStream(incoming: back, outgoing: there), MemoryStream(incoming: there, outgoing: back))
  }

  public func waitUntilReadable() async throws(IOError) { try await incoming.waitUntilReadable() }

  public func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    try await incoming.read(into: &buffer)
  }

  public func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int? {
    try incoming.tryRead(into: &buffer)
  }

  public func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int { try outgoing.tryWrite(bytes) }

  public func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int { try await outgoing.writeSome(bytes) }

  public func write(_ bytes: RawSpan) async throws(IOError) { try await outgoing.write(bytes) }

  public func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError) {
    try await outgoing.write(first, second)
  }

  public func shutdownWrite() throws(IOError) { try outgoing.finishWriting(closing: false) }

  /// Provides `PeerPresence` and `PendingInput`.
  public func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? {
    if type == PendingInput.self { return PendingInput(isThere: incoming.hasBytes) as? Attribute }
    guard type == PeerPresence.self else { return nil }
    let presence: PeerPresence = outgoing.isReaderClosed ? .gone : incoming.isFinished ? .finished : .present
    return presence as? Attribute
  }

  public func close() {
    incoming.closeReader()
    outgoing.closeWriter()
  }
}

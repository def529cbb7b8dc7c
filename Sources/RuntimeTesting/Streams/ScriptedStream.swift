import Glibc
public import Runtime
import RuntimePrimitives

/// A stream with predefined input that records its output.
///
/// It needs no peer and no task: run the code under test on it, and then inspect ``written``.
///
/// ```swift
/// let stream = ScriptedStream("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
/// await serveConnection(stream, clock: ContinuousClock(), handler: router)
/// #expect(stream.writtenText.hasPrefix("HTTP/1.1 200 OK\r\n"))
/// ```
public final class ScriptedStream: ByteStream {
  private struct State {
    var chunks: ArraySlice<[UInt8]>
    var written: [UInt8] = []
    var hasFinished = false
    var isClosed = false
  }

  /// A `Monitor`, since ThreadSanitizer does not understand a contended `Lock`.
  private let state: Monitor<State>

  /// Creates a stream whose peer sends `chunks` and then finishes. Each chunk arrives after the previous one has been
  /// read.
  public init(_ chunks: [[UInt8]]) {
    state = Monitor(State(chunks: chunks.filter { !$0.isEmpty }[...]))
  }

  /// Creates a stream whose peer sends `text` at once and then finishes.
  public convenience init(_ text: String) { self.init([Array(text.utf8)]) }

  /// The bytes written so far.
  public var written: [UInt8] { state.withLock { $0.written } }
  /// The bytes written so far, as text.
  public var writtenText: String { String(decoding: written, as: UTF8.self) }
  /// Whether this end has finished writing.
  public var hasFinishedWriting: Bool { state.withLock { $0.hasFinished } }
  /// Whether this end has closed the stream.
  public var isClosed: Bool { state.withLock { $0.isClosed } }

  public func waitUntilReadable() async throws(IOError) {
    if isClosed { throw IOError(.read, .closed) }
  }

  public func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    guard let count = take(into: &buffer) else { throw IOError(.read, .closed) }
    return count
  }

  private func take(into buffer: inout OutputRawSpan) -> Int? {
    state.withLock { state in
      if state.isClosed { return nil }
      guard let chunk = state.chunks.first else { return 0 }
      let count = min(chunk.count, buffer.freeCapacity)
      buffer.append(copying: chunk.span.bytes.extracting(first: count))
      if count == chunk.count {
        state.chunks.removeFirst()
      } else {
        state.chunks[state.chunks.startIndex].removeFirst(count)
      }
      return count
    }
  }

  public func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int {
    let failure = state.withLock { state -> IOError.Reason? in
      if state.isClosed { return .closed }
      if state.hasFinished { return .system(EPIPE) }
      bytes.withUnsafeBytes { state.written.append(contentsOf: $0) }
      return nil
    }
    if let failure { throw IOError(.write, failure) }
    return bytes.byteCount
  }

  public func shutdownWrite() throws(IOError) {
    let isClosed = state.withLock { state in
      state.hasFinished = true
      return state.isClosed
    }
    if isClosed { throw IOError(.shutdown, .closed) }
  }

  public func close() { state.withLock { $0.isClosed = true } }
}

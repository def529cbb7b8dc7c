import Glibc
import Runtime

/// The state shared by the tasks that use the stream.
struct TLSState: ~Copyable {
  /// The progress of the handshake.
  enum Phase {
    case notStarted
    /// A task performs the handshake, and others wait for it.
    case inProgress([Waiter])
    case established
  }

  /// A task that waits for another one to end the handshake.
  struct Waiter {
    let number: Int
    let continuation: CheckedContinuation<Void, Never>
  }

  /// The current owner of the base stream's write side.
  enum Writer {
    case none
    /// A writing task.
    case task
    /// A non-suspending call that writes what reading has produced, or the end marker. It ends at once.
    case plainCall
  }

  let engine: Engine
  var phase = Phase.notStarted
  /// The number of the next waiter.
  var nextWaiter = 0
  /// Bytes from the base stream that the engine has not consumed.
  var input: ByteChunk?
  /// Whether the engine may have more output without further input.
  var mayHaveMore = false
  /// Bytes of which the base stream has accepted a part or nothing. The engine's output follows them.
  var output: ByteChunk?
  /// The number of encrypted bytes that no write has reported yet: the next write begins with them.
  var unreportedBytes = 0
  var isReading = false
  var writer = Writer.none
  /// Whether the peer has finished writing.
  var hasEnded = false
  /// Whether the base stream has ended without a `close_notify`.
  var isTruncated = false
  /// Whether this end has finished writing.
  var isShutDown = false
  var isClosed = false
  /// Why the connection has failed for good.
  var failure: TLSFailure?

  init(_ engine: consuming Engine) { self.engine = engine }

  var isEstablished: Bool { if case .established = phase { true } else { false } }
  /// Whether there are unread bytes, encrypted or not.
  var holdsInput: Bool { input != nil || engine.hasPending }

  /// Whether a read can complete without the base stream.
  var isReadable: Bool { input != nil || mayHaveMore || hasEnded || isTruncated || failure != nil }

  /// Releases the input if the engine has consumed all of it.
  mutating func dropConsumedInput() {
    if let input, input.isEmpty { self.input = nil }
  }

  /// Decrypts available bytes into the buffer, as many as fit.
  ///
  /// - Returns: the number of decrypted bytes, 0 if the peer has finished; `nil` if more input is needed.
  mutating func decrypt(into buffer: inout OutputRawSpan) throws(IOError) -> Int? {
    if let failure { throw IOError(.read, causedBy: failure) }
    if hasEnded { return 0 }
    if isTruncated { throw IOError(.read, causedBy: TLSFailure.truncation) }
    guard input != nil || mayHaveMore else { return nil }
    let (outcome, count) = buffer.withUnsafeMutableBytes { bytes, initialized in
      let result = engine.read(input, into: UnsafeMutableRawBufferPointer(rebasing: bytes[initialized...]))
      initialized += result.count
      return result
    }
    dropConsumedInput()
    mayHaveMore = false
    switch outcome {
    case .done: mayHaveMore = true
    case .wantsInput: break
    case .ended: hasEnded = true
    case .failed(let failure): self.failure = failure
    }
    if count > 0 { return count }
    if let failure { throw IOError(.read, causedBy: failure) }
    return hasEnded ? 0 : nil
  }

  /// Encrypts up to `limit` bytes of the two spans from `offset` on.
  ///
  /// - Returns: the number of their bytes that count as written.
  mutating func encrypt(
    _ first: RawSpan, _ second: RawSpan, from offset: Int, limit: Int
  ) throws(IOError) -> Int {
    try checkWritable()
    let total = first.byteCount + second.byteCount - offset
    if unreportedBytes > 0 {
      let count = min(unreportedBytes, total)
      unreportedBytes -= count
      return count
    }
    let a = first.extracting(droppingFirst: min(offset, first.byteCount)).extracting(first: limit)
    let b = second.extracting(droppingFirst: max(0, offset - first.byteCount)).extracting(first: limit - a.byteCount)
    try encrypt(a)
    try encrypt(b)
    return a.byteCount + b.byteCount
  }

  private mutating func encrypt(_ bytes: RawSpan) throws(IOError) {
    if bytes.isEmpty { return }
    if case .failed(let failure) = engine.write(bytes) {
      self.failure = failure
      throw IOError(.write, causedBy: failure)
    }
  }

  func checkWritable() throws(IOError) {
    if isClosed { throw IOError(.write, .closed) }
    if let failure { throw IOError(.write, causedBy: failure) }
    if isShutDown { throw IOError(.write, .system(EPIPE)) }
  }

  /// Produces a `close_notify`, unless that has been done.
  mutating func shutDown() {
    if isShutDown || failure != nil || !isEstablished { return }
    isShutDown = true
    if case .failed(let failure) = engine.shutdown() { self.failure = failure }
  }

  /// Returns the next bytes to write to the base stream.
  mutating func nextOutput() -> ByteChunk? {
    if output == nil { output = engine.takeOutput() }
    return output
  }

  /// Returns the bytes to write after `chunk`, which the base stream has accepted.
  mutating func nextOutput(after _: ByteChunk) -> ByteChunk? {
    output = nil
    return nextOutput()
  }
}

import Glibc
import Runtime

/// What the tasks that use the stream share.
struct TLSState: ~Copyable {
  /// How far the handshake is.
  enum Phase {
    case fresh
    /// A task does it, and others wait for it.
    case shaking([Waiter])
    case established
  }

  /// A task that waits for another to end the handshake.
  struct Waiter {
    let number: Int
    let continuation: CheckedContinuation<Void, Never>
  }

  /// What has the base stream to itself for writing.
  enum Writer {
    case none
    /// A task that writes.
    case task
    /// A plain call, for what reading has produced or for the end: it is over at once.
    case plainCall
  }

  let engine: Engine
  var phase = Phase.fresh
  /// The number of the next waiter.
  var nextWaiter = 0
  /// What the base stream has given and the engine has not taken yet.
  var input: ByteChunk?
  /// Whether the engine may give more without input.
  var mayHaveMore = false
  /// What the base stream has taken a part of, or nothing. What the engine has comes after it.
  var output: ByteChunk?
  /// How many bytes have been encrypted that no write has been told of: the next write begins with them.
  var promised = 0
  var isReading = false
  var writer = Writer.none
  /// Whether the peer has said that it writes no more.
  var hasEnded = false
  /// Whether the base stream has ended though the peer has not said so.
  var isTruncated = false
  /// Whether this end has said that it writes no more.
  var isShutDown = false
  var isClosed = false
  /// Why the connection has failed for good.
  var failure: TLSFailure?

  init(_ engine: consuming Engine) { self.engine = engine }

  var isEstablished: Bool { if case .established = phase { true } else { false } }
  /// Whether there are bytes to be read, encrypted or not.
  var holdsInput: Bool { input != nil || engine.hasPending }

  /// Whether a read would end without the base stream.
  var isReadable: Bool { input != nil || mayHaveMore || hasEnded || isTruncated || failure != nil }

  /// Lets go of the input if the engine has taken all of it.
  mutating func dropUsedInput() {
    if let input, input.isEmpty { self.input = nil }
  }

  /// Decrypts what there is and the buffer has room for.
  ///
  /// - Returns: how many bytes that was, 0 if the peer has finished; `nil` if more input is needed.
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
    dropUsedInput()
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

  /// Encrypts as much of the two as there is to be at once, from `offset` on.
  ///
  /// - Returns: how many of their bytes that was.
  mutating func encrypt(
    _ first: RawSpan, _ second: RawSpan, from offset: Int, limit: Int
  ) throws(IOError) -> Int {
    try checkWritable()
    let total = first.byteCount + second.byteCount - offset
    if promised > 0 {
      let count = min(promised, total)
      promised -= count
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

  /// Says that no more will be written, if that has not been said.
  mutating func shutDown() {
    if isShutDown || failure != nil || !isEstablished { return }
    isShutDown = true
    if case .failed(let failure) = engine.shutdown() { self.failure = failure }
  }

  /// What is to be written to the base stream next.
  mutating func nextOutput() -> ByteChunk? {
    if output == nil { output = engine.takeOutput() }
    return output
  }

  /// What is to be written after `chunk`, which the base stream has taken.
  mutating func nextOutput(after _: ByteChunk) -> ByteChunk? {
    output = nil
    return nextOutput()
  }
}

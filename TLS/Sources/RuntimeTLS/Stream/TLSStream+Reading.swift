public import Runtime
import RuntimePrimitives

/// The size of a read from the base stream: two records of the maximum size (RFC 8446 section 5.2).
let inputSize = 2 * (16 * 1024 + 256 + 5)

extension TLSStream {
  /// Waits like the base stream, without a buffer. It may return for bytes that contain no application data.
  public func waitUntilReadable() async throws(IOError) {
    if try await needsBase() { try await base.waitUntilReadable() }
  }

  public func waitUntilReadableOrClosed() async throws(IOError) {
    if try await needsBase() { try await base.waitUntilReadableOrClosed() }
  }

  /// Performs the handshake, unless it is done.
  ///
  /// - Returns: whether a read has to wait for the base stream.
  private func needsBase() async throws(IOError) -> Bool {
    while true {
      let isReadable = try state.withLock { state throws(IOError) -> Bool? in
        if state.isClosed { throw IOError(.read, .closed) }
        return state.isEstablished ? state.isReadable : nil
      }
      if let isReadable { return !isReadable }
      try await handshake()
    }
  }

  public func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int {
    if buffer.freeCapacity == 0 { return 0 }
    while true {
      try await establish()
      if let count = try tryRead(into: &buffer) { return count }
      // Waits without a buffer. If the wait was spurious, or the base stream has no plain reads, the next one is with a
      // buffer.
      try await base.waitUntilReadable()
      if let count = try tryRead(into: &buffer) { return count }
      switch try beginReading(into: &buffer) {
      case .ended(let count): return count
      case .unready: continue
      case .begun: break
      }
      let chunk = ByteChunk(capacity: inputSize)
      do throws(IOError) {
        var room = OutputRawSpan(buffer: chunk.room, initializedCount: 0)
        chunk.commit(try await base.read(into: &room))
      } catch {
        endReading()
        throw error
      }
      if let count = try endReading(chunk, into: &buffer) { return count }
    }
  }

  public func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int? {
    if buffer.freeCapacity == 0 { return 0 }
    while true {
      switch try beginReading(into: &buffer) {
      case .ended(let count): return count
      case .unready: return nil
      case .begun: break
      }
      let chunk = ByteChunk(capacity: inputSize)
      do throws(IOError) {
        var room = OutputRawSpan(buffer: chunk.room, initializedCount: 0)
        guard let count = try base.tryRead(into: &room) else {
          endReading()
          return nil
        }
        chunk.commit(count)
      } catch {
        endReading()
        throw error
      }
      if let count = try endReading(chunk, into: &buffer) { return count }
    }
  }

  /// Reads what is available without the base stream, or begins to read from the base stream.
  private func beginReading(into buffer: inout OutputRawSpan) throws(IOError) -> ReadStart {
    let (result, mustFlush) = state.withLock { state -> (Result<ReadStart, IOError>, Bool) in
      if state.isClosed { return (.failure(IOError(.read, .closed)), false) }
      guard state.isEstablished else { return (.success(.unready), false) }
      if state.isReading { return (.failure(IOError(.read, .busy)), false) }
      switch state.decryptResult(into: &buffer) {
      case .success(let count?): return (.success(.ended(count)), state.beginFlush())
      case .failure(let error): return (.failure(error), state.beginFlush())
      case .success(nil):
        state.isReading = true
        return (.success(.begun), state.beginFlush())
      }
    }
    if mustFlush { flushPendingOutput() }
    return try result.get()
  }

  /// Ends a read from the base stream with the bytes in `chunk`: none at the end of the stream.
  ///
  /// - Returns: the number of decrypted bytes, 0 if the peer has finished; `nil` if more input is needed.
  private func endReading(_ chunk: ByteChunk, into buffer: inout OutputRawSpan) throws(IOError) -> Int? {
    let (result, mustFlush) = state.withLock { state -> (Result<Int?, IOError>, Bool) in
      state.isReading = false
      if chunk.isEmpty { state.isTruncated = true } else { state.input = chunk }
      return (state.decryptResult(into: &buffer), state.beginFlush())
    }
    if mustFlush { flushPendingOutput() }
    return try result.get()
  }

  /// Ends a read from the base stream that returned nothing.
  private func endReading() { state.withLock { $0.isReading = false } }
}

extension TLSState {
  /// Returns the result of ``decrypt(into:)``.
  fileprivate mutating func decryptResult(into buffer: inout OutputRawSpan) -> Result<Int?, IOError> {
    do throws(IOError) {
      return .success(try decrypt(into: &buffer))
    } catch {
      return .failure(error)
    }
  }

  /// Begins to write what reading has produced, if there is anything and no task is writing.
  mutating func beginFlush() -> Bool {
    guard engine.hasOutput, case .none = writer, !isClosed else { return false }
    writer = .plainCall
    return true
  }
}

/// The result of beginning a read.
private enum ReadStart {
  /// The read is over, with this number of bytes.
  case ended(Int)
  /// The handshake is not done.
  case unready
  /// The caller owns the base stream's read side.
  case begun
}

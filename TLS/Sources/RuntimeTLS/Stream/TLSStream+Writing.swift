public import Runtime
import RuntimePrimitives

/// The maximum number of bytes encrypted before they are written: large enough for few calls of the base stream.
private let maximumBatch = 64 * 1024
/// The maximum number of bytes of a ``TLSStream/writeSome(_:)``: one record.
private let recordSize = 16 * 1024

extension TLSStream {
  public func write(_ bytes: RawSpan) async throws(IOError) { try await write(bytes, RawSpan()) }

  public func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError) {
    let total = first.byteCount + second.byteCount
    if total == 0 { return }
    try await beginWriting(.write)
    do throws(IOError) {
      var written = 0
      while written < total {
        written += try encrypt(first, second, from: written, limit: maximumBatch)
        try await flush()
      }
    } catch {
      endWriting()
      throw error
    }
    endWriting()
  }

  public func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int {
    if bytes.isEmpty { return 0 }
    try await beginWriting(.write)
    do throws(IOError) {
      // No byte of `bytes` is encrypted before the base stream has accepted all earlier output.
      try await flush()
      let count = try encrypt(bytes, RawSpan(), from: 0, limit: recordSize)
      do throws(IOError) {
        try await flush()
      } catch  where error.reason == .cancelled {
        // The bytes are encrypted, so they count as written. The next write will fail in this one's place.
      }
      endWriting()
      return count
    } catch {
      endWriting()
      throw error
    }
  }

  public func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int {
    if bytes.isEmpty { return 0 }
    guard try tryBeginWriting(.write) == .begun else { return 0 }
    defer { endWriting() }
    var written = 0
    while try flushAtOnce(), written < bytes.byteCount {
      let count = try encrypt(bytes, RawSpan(), from: written, limit: maximumBatch)
      guard try flushAtOnce() else {
        state.withLock { $0.unreportedBytes += count }
        break
      }
      written += count
    }
    return written
  }

  public func shutdownWrite() async throws(IOError) {
    try await beginWriting(.shutdown)
    do throws(IOError) {
      state.withLock { $0.shutDown() }
      try await flush()
    } catch {
      endWriting()
      throw error
    }
    endWriting()
    try await base.shutdownWrite()
  }

  public func close() {
    let mayDrain = state.withLock { state in
      defer { state.isClosed = true }
      return state.isEstablished && !state.isClosed && !state.isReading
    }
    if mayDrain, !isServer { drain() }
    base.close()
  }

  /// Reads unsolicited data of the server, such as tickets. If it stayed unread, the system would reset the connection,
  /// and the last written bytes might be lost.
  private func drain() {
    let chunk = ByteChunk(capacity: inputSize)
    var room = OutputRawSpan(buffer: chunk.room, initializedCount: 0)
    _ = try? base.tryRead(into: &room)
  }

  public func closeOrderly() {
    let mayFlush = state.withLock { state in
      guard case .none = state.writer, state.isEstablished, !state.isClosed else { return false }
      state.shutDown()
      state.writer = .plainCall
      return true
    }
    if mayFlush {
      // The base stream may have refused once to let other tasks run.
      if (try? flushAtOnce()) == false { _ = try? flushAtOnce() }
      state.withLock { $0.writer = .none }
    }
    close()
  }

  public func closeAndWait() async {
    let mayFlush = state.withLock { state in
      guard case .none = state.writer, !state.isClosed else { return false }
      state.shutDown()
      state.writer = .task
      return true
    }
    if mayFlush {
      // If the peer has disconnected, or accepts nothing before the task is cancelled, the end marker is not needed.
      try? await flush()
      endWriting()
    }
    close()
    await base.closeAndWait()
  }

  // MARK: One writer at a time

  private func tryBeginWriting(_ operation: IOError.Operation) throws(IOError) -> WriteStart {
    try state.withLock { state throws(IOError) in
      if state.isClosed { throw IOError(operation, .closed) }
      guard state.isEstablished else { return .unready }
      switch state.writer {
      case .task: throw IOError(operation, .busy)
      case .plainCall: return .busyForAMoment
      case .none:
        state.writer = .task
        return .begun
      }
    }
  }

  private func beginWriting(_ operation: IOError.Operation) async throws(IOError) {
    while true {
      switch try tryBeginWriting(operation) {
      case .begun: return
      case .unready: try await handshake()
      case .busyForAMoment: await Task.yield()
      }
    }
  }

  private func endWriting() {
    let mustFlush = state.withLock { state in
      state.writer = .none
      // Output that reading has produced meanwhile.
      return state.beginFlush()
    }
    if mustFlush { flushPendingOutput() }
  }

  private func encrypt(
    _ first: RawSpan, _ second: RawSpan, from offset: Int, limit: Int
  ) throws(IOError) -> Int {
    try state.withLock { state throws(IOError) in try state.encrypt(first, second, from: offset, limit: limit) }
  }

  // MARK: Output

  /// Writes all output for the peer. The caller owns the base stream's write side.
  func flush() async throws(IOError) {
    var next = state.withLock { $0.nextOutput() }
    while let chunk = next {
      while !chunk.isEmpty {
        let bytes = chunk.bytes
        chunk.consume(try await base.writeSome(bytes.bytes))
      }
      next = state.withLock { $0.nextOutput(after: chunk) }
    }
  }

  /// Writes output for the peer as far as possible without waiting. The caller owns the base stream's write side.
  ///
  /// - Returns: whether all of it was written.
  private func flushAtOnce() throws(IOError) -> Bool {
    var next = state.withLock { $0.nextOutput() }
    while let chunk = next {
      let bytes = chunk.bytes
      chunk.consume(try base.tryWrite(bytes.bytes))
      guard chunk.isEmpty else { return false }
      next = state.withLock { $0.nextOutput(after: chunk) }
    }
    return true
  }

  /// Writes output that reading has produced, after `beginFlush` has returned `true`: an alert, or a key update. What
  /// the base stream does not accept at once is sent with the next write.
  func flushPendingOutput() {
    // If the base stream has failed, the next write reports it.
    _ = try? flushAtOnce()
    state.withLock { $0.writer = .none }
  }
}

/// The result of beginning a write.
private enum WriteStart {
  /// The caller owns the base stream's write side.
  case begun
  /// The handshake is not done.
  case unready
  /// Another thread is writing what reading has produced, or the end marker, in a non-suspending call.
  case busyForAMoment
}

public import Runtime
import RuntimePrimitives

/// The most that is encrypted before it is written: enough for the base stream to be called seldom.
private let most = 64 * 1024
/// The most that a ``TLSStream/writeSome(_:)`` takes: a record.
private let some = 16 * 1024

extension TLSStream {
  public func write(_ bytes: RawSpan) async throws(IOError) { try await write(bytes, RawSpan()) }

  public func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError) {
    let total = first.byteCount + second.byteCount
    if total == 0 { return }
    try await beginWriting(.write)
    do throws(IOError) {
      var written = 0
      while written < total {
        written += try encrypt(first, second, from: written, limit: most)
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
      // Nothing of `bytes` is encrypted before the base stream has taken what came before them.
      try await flush()
      let count = try encrypt(bytes, RawSpan(), from: 0, limit: some)
      do throws(IOError) {
        try await flush()
      } catch  where error.reason == .cancelled {
        // They are encrypted, so they count as written. The next write will end as this one would have.
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
      let count = try encrypt(bytes, RawSpan(), from: written, limit: most)
      guard try flushAtOnce() else {
        state.withLock { $0.promised += count }
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

  /// Takes what the server has sent without being asked: tickets. Unread, they would have the system reset the connection, and
  /// what was written last might be lost.
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
      // The base stream may have refused for the sake of others' turns, which it does once.
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
      // A peer that has gone needs no farewell, and neither does one that takes nothing before the task is cancelled.
      try? await flush()
      endWriting()
    }
    close()
    await base.closeAndWait()
  }

  // MARK: One writer at a time

  private func tryBeginWriting(_ operation: IOError.Operation) throws(IOError) -> Beginning {
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
      // What reading has produced meanwhile.
      return state.beginFlush()
    }
    if mustFlush { flushWhatReadingProduced() }
  }

  private func encrypt(
    _ first: RawSpan, _ second: RawSpan, from offset: Int, limit: Int
  ) throws(IOError) -> Int {
    try state.withLock { state throws(IOError) in try state.encrypt(first, second, from: offset, limit: limit) }
  }

  // MARK: Output

  /// Writes all that is for the peer. The caller has the base stream to itself for writing.
  func flush() async throws(IOError) {
    var next = state.withLock { $0.nextOutput() }
    while let chunk = next {
      while !chunk.isEmpty {
        let bytes = chunk.bytes
        chunk.use(try await base.writeSome(bytes.bytes))
      }
      next = state.withLock { $0.nextOutput(after: chunk) }
    }
  }

  /// Writes what is for the peer, if that needs no waiting. The caller has the base stream to itself for writing.
  ///
  /// - Returns: whether that was all of it.
  private func flushAtOnce() throws(IOError) -> Bool {
    var next = state.withLock { $0.nextOutput() }
    while let chunk = next {
      let bytes = chunk.bytes
      chunk.use(try base.tryWrite(bytes.bytes))
      guard chunk.isEmpty else { return false }
      next = state.withLock { $0.nextOutput(after: chunk) }
    }
    return true
  }

  /// Writes what reading has produced, after `beginFlush` has allowed it: an alert, or an answer to new keys. What the base
  /// stream does not take at once leaves with the next write.
  func flushWhatReadingProduced() {
    // If the base stream has failed, the next write finds out.
    _ = try? flushAtOnce()
    state.withLock { $0.writer = .none }
  }
}

/// How the beginning of a write has ended.
private enum Beginning {
  /// The caller has the base stream to itself for writing.
  case begun
  /// The handshake has not been done.
  case unready
  /// Another thread writes what reading has produced, or the end, in a plain call.
  case busyForAMoment
}

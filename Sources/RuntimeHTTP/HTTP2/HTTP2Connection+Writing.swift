import Runtime
import RuntimePrimitives

/// The number of bytes that are gathered for one write. The order of streams is decided again for each write, so that a
/// peer which receives slowly gets small writes; but many small writes cost more than few large ones.
private enum WriteMark {
  static var least: Int { 64 * 1024 }
  static var most: Int { 512 * 1024 }
}

extension HTTP2Connection {
  private enum Step {
    case write
    /// There is nothing to write.
    case sleep
    /// There will be nothing more to write.
    case end
  }

  private enum Progress {
    /// Everything has been written. There may be more later.
    case drained
    /// The peer has no room for the rest of this buffer.
    case blocked(HTTP2Buffer)
    /// Other tasks should run before the next write.
    case turnIsOver
    /// There will be nothing more to write, or the stream has failed.
    case ended
  }

  /// Writes output as it arises, until there will be no more.
  ///
  /// Plain calls write as long as the peer has room, so that the frames of an idle connection's task fit into the first
  /// kilobyte that Swift gives a task.
  func write() async {
    var mark = WriteMark.least
    while true {
      switch writeWithoutWaiting(upTo: &mark) {
      case .drained:
        writingTurn.pause()
        await sleep()
        // Handlers that are ready run first, so that their output is part of the same write.
        if state.withLock({ state in state.handlers > 0 }) { await Task.yield() }
      case .blocked(let buffer):
        guard await writeRest(of: buffer) else { return }
      case .turnIsOver:
        await writingTurn.yieldTurn()
      case .ended:
        return
      }
    }
  }

  /// Writes until there is nothing to write, the peer has no more room, or the turn is over. It takes a buffer only for
  /// that time.
  private func writeWithoutWaiting(upTo mark: inout Int) -> Progress {
    let buffer = context.buffers.take()
    do {
      while true {
        let step = try writeOnce(upTo: mark, buffer, in: writingTurn)
        guard buffer.bytes.isEmpty else {
          mark = WriteMark.least
          return .blocked(buffer)
        }
        if step == .write { mark = min(2 * mark, WriteMark.most) }
        guard step == .write, !writingTurn.isOver else {
          context.buffers.giveBack(buffer)
          return step == .write ? .turnIsOver : step == .sleep ? .drained : .ended
        }
      }
    } catch {
      fail(buffer)
      context.buffers.giveBack(buffer)
      return .ended
    }
  }

  /// Gathers output in `buffer`, and writes what the peer has room for, as work of the calling task's `turn`.
  @inline(__always)
  private func writeOnce(upTo mark: Int, _ buffer: HTTP2Buffer, in turn: borrowing Turn) throws(IOError) -> Step {
    var continuationsToResume: [UnsafeContinuation<Void, Never>] = []
    let step = state.withLock { state in gather(upTo: mark, into: buffer, &continuationsToResume, &state) }
    for continuation in continuationsToResume { continuation.resume() }
    if step == .write {
      turn.spend(Turn.systemCall + buffer.bytes.count)
      // The calling task owns the buffer until the write returns, so its bytes do not move.
      buffer.bytes.consume(try stream.tryWrite(buffer.bytes.contents.span.bytes))
    }
    if buffer.bytes.isEmpty { notifyEnded(with: buffer) }
    return step
  }

  /// Writes the rest of `buffer` as the peer makes room, and gives the buffer back.
  ///
  /// Out of line, so that its variables are not in the frame of an idle connection.
  ///
  /// - Returns: Whether the stream is intact.
  @inline(never)
  private func writeRest(of buffer: HTTP2Buffer) async -> Bool {
    defer { context.buffers.giveBack(buffer) }
    setOutputLength(buffer.bytes.capacity)
    defer { setOutputLength(0) }
    do {
      // This task owns the buffer until the writes return, so its bytes do not move.
      try await control.write(&buffer.bytes, to: stream)
    } catch {
      fail(buffer)
      return false
    }
    notifyEnded(with: buffer)
    writingTurn.pause()
    return true
  }

  /// Counts the buffer that the writer waits with.
  private func setOutputLength(_ length: Int) {
    state.withLock { state in
      state.outputLength = length
      state.updateHeldLength(in: context.memory)
    }
  }

  /// Writes the output of a batch of frames, or wakes the writer for it. Writes here if no handler is running and the
  /// peer has room, so that the writer need not wake up. Leaves the batch the memory that the connection does not need.
  func writeOrWake(_ batch: HTTP2Batch) {
    let (writer, isAlone) = state.withLock { state in
      // If a frame is incomplete, the buffer waits for the rest.
      state.inputLength = batch.input.isEmpty ? 0 : batch.input.capacity
      state.updateHeldLength(in: context.memory)
      let writer = state.writerToWake()
      // Otherwise after the write below, which leaves the output empty.
      if writer == nil { state.core.giveMemory(to: &batch.memory) }
      return (writer, state.handlers == 0)
    }
    guard let writer else { return }
    guard isAlone else { return writer.resume() }
    // The writer sleeps until this resumes it, and no other task writes.
    let buffer = context.buffers.take()
    defer { context.buffers.giveBack(buffer) }
    do { _ = try writeOnce(upTo: WriteMark.least, buffer, in: readingTurn) } catch { fail(buffer) }
    let next = state.withLock { state in
      state.core.putBack(&buffer.bytes, &buffer.traces)
      state.core.giveMemory(to: &batch.memory)
      state.sleepingWriter = writer
      return state.writerToWake()
    }
    next?.resume()
  }

  private func gather(
    upTo mark: Int, into buffer: HTTP2Buffer, _ continuationsToResume: inout [UnsafeContinuation<Void, Never>],
    _ state: inout HTTP2ConnectionState
  ) -> Step {
    let drained = state.core.fill(upTo: mark)
    state.core.takeFinishedTraces(into: &buffer.traces)
    for slot in drained {
      if let writer = state.waiters[slot].writer.take() { continuationsToResume.append(writer) }
    }
    if state.core.takeOutput(&buffer.bytes) { return .write }
    if state.isEnding || state.core.isFinished { return .end }
    state.updateHeldLength(in: context.memory)
    // The larger buffer goes back to the pool for other connections.
    state.core.keepSmaller(&buffer.bytes)
    return .sleep
  }

  /// Waits until there is something to write, or the connection is ending.
  private func sleep() async {
    await suspendTask { continuation in
      let mayWrite = state.withLock { state in
        let mayWrite = state.core.hasOutput || state.isEnding || state.core.isFinished
        if !mayWrite { state.sleepingWriter = continuation }
        return mayWrite
      }
      if mayWrite { continuation.resume() }
    }
  }

  /// Handles a failure of the stream: nothing more can be sent. The requests that ended with `buffer` are incomplete.
  private func fail(_ buffer: HTTP2Buffer) {
    closeAllStreams()
    // The reading task notices this by the closed stream.
    stream.close()
    notifyEnded(with: buffer, control.hasExpired ? .timedOut : .clientGone)
  }
}

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

  /// Writes output as it arises, until there will be no more.
  func write() async {
    while await writeAll() {
      writingTurn.pause()
      await sleep()
      // Handlers that are ready run first, so that their output is part of the same write.
      if state.withLock({ state in state.handlers > 0 }) { await Task.yield() }
    }
  }

  /// Writes until there is nothing to write. It takes a buffer only for that time.
  ///
  /// - Returns: Whether there may be more later.
  private func writeAll() async -> Bool {
    let buffer = context.buffers.take()
    defer { context.buffers.giveBack(buffer) }
    var continuationsToResume: [UnsafeContinuation<Void, Never>] = []
    var mark = WriteMark.least
    while true {
      let step = state.withLock { state in gather(upTo: mark, into: buffer, &continuationsToResume, &state) }
      for continuation in continuationsToResume { continuation.resume() }
      continuationsToResume.removeAll(keepingCapacity: true)
      guard case .write = step else {
        notifyEnded(with: buffer)
        return step == .sleep
      }
      writingTurn.spend(Turn.systemCall + buffer.bytes.count)
      do {
        // This task owns the buffer until the writes return, so its bytes do not move.
        buffer.bytes.consume(try stream.tryWrite(buffer.bytes.taken.span.bytes))
        if buffer.bytes.isEmpty {
          mark = min(2 * mark, WriteMark.most)
        } else {
          mark = WriteMark.least
          setOutputLength(buffer.bytes.capacity)
          defer { setOutputLength(0) }
          try await control.write(&buffer.bytes, to: stream)
          writingTurn.pause()
        }
        notifyEnded(with: buffer)
      } catch {
        fail()
        notifyEnded(with: buffer, control.hasExpired ? .timedOut : .clientGone)
        return false
      }
      if writingTurn.isOver { await writingTurn.give() }
    }
  }

  /// Counts the buffer that the writer waits with.
  private func setOutputLength(_ length: Int) {
    state.withLock { state in
      state.outputLength = length
      state.updateHeldLength(in: context.memory)
    }
  }

  /// Writes the output of a batch of frames, or wakes the writer for it. Writes here if no handler is running and the
  /// peer has room, so that the writer need not wake up.
  ///
  /// - Parameter inputLength: The capacity of the buffer that waits for the rest of a frame, or 0.
  func writeOrWake(inputLength: Int) {
    let (writer, isAlone) = state.withLock { state in
      state.inputLength = inputLength
      state.updateHeldLength(in: context.memory)
      return (state.writerToWake(), state.handlers == 0)
    }
    guard let writer else { return }
    guard isAlone else { return writer.resume() }
    // The writer sleeps until this resumes it, and no other task writes.
    let buffer = context.buffers.take()
    defer { context.buffers.giveBack(buffer) }
    var continuationsToResume: [UnsafeContinuation<Void, Never>] = []
    let step = state.withLock { state in gather(upTo: WriteMark.least, into: buffer, &continuationsToResume, &state) }
    for continuation in continuationsToResume { continuation.resume() }
    if case .write = step {
      do {
        // This task owns the buffer until the write returns, so its bytes do not move.
        buffer.bytes.consume(try stream.tryWrite(buffer.bytes.taken.span.bytes))
        if buffer.bytes.isEmpty { notifyEnded(with: buffer) }
      } catch {
        fail()
        notifyEnded(with: buffer, .clientGone)
      }
    } else {
      notifyEnded(with: buffer)
    }
    let next = state.withLock { state in
      state.core.putBack(&buffer.bytes, &buffer.traces)
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
    state.core.takeEndedTraces(into: &buffer.traces)
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

  /// Waits until there is something to write, or the connection is ending. Cancellation ends the connection.
  private func sleep() async {
    await withTaskCancellationHandler {
      await suspendTask { continuation in
        let mayWrite = state.withLock { state in
          let mayWrite = state.core.hasOutput || state.isEnding || state.core.isFinished
          if !mayWrite { state.sleepingWriter = continuation }
          return mayWrite
        }
        if mayWrite { continuation.resume() }
      }
    } onCancel: {
      state.withLock { state in state.core.completeShutdown() }
      closeAllStreams()
    }
  }

  /// Handles a failure of the stream: nothing more can be sent.
  private func fail() {
    closeAllStreams()
    // The reading task notices this by the closed stream.
    stream.close()
  }
}

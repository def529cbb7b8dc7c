import Runtime
import RuntimePrimitives

/// How much is gathered for one write. Whose turn it is is decided anew for each, so that a peer which takes little at
/// once gets little; but many small writes cost more than few large ones.
private enum WriteMark {
  static var least: Int { 64 * 1024 }
  static var most: Int { 512 * 1024 }
}

extension HTTP2Connection {
  private enum Step {
    case write
    /// There is nothing to write.
    case sleep
    /// There will be nothing more.
    case end
  }

  /// Writes what there is to write, until there will be no more.
  func write() async {
    while await writeAll() {
      writingTurn.pause()
      await sleep()
      // Handlers that are ready go first, and leave what they have with the rest.
      if state.withLock({ state in state.handlers > 0 }) { await Task.yield() }
    }
  }

  /// Writes until there is nothing to write. It has a buffer for only as long.
  ///
  /// - Returns: whether there may be more later.
  private func writeAll() async -> Bool {
    let buffer = context.buffers.take()
    defer { context.buffers.giveBack(buffer) }
    var awake: [UnsafeContinuation<Void, Never>] = []
    var mark = WriteMark.least
    while true {
      let step = state.withLock { state in gather(upTo: mark, into: buffer, &awake, &state) }
      for waiter in awake { waiter.resume() }
      awake.removeAll(keepingCapacity: true)
      guard case .write = step else {
        tellEnded(with: buffer)
        return step == .sleep
      }
      writingTurn.spend(Turn.systemCall + buffer.bytes.count)
      do {
        // The buffer is ours until these return, so the bytes stay where they are.
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
        tellEnded(with: buffer)
      } catch {
        fail()
        tellEnded(with: buffer, control.hasExpired ? .timedOut : .clientGone)
        return false
      }
      if writingTurn.isOver { await writingTurn.give() }
    }
  }

  /// Counts the buffer with which the writer waits.
  private func setOutputLength(_ length: Int) {
    state.withLock { state in
      state.outputLength = length
      state.count(in: context.memory)
    }
  }

  /// Has what a batch of frames has led to written: here, if nobody is about to add to it and the peer takes it at once,
  /// so that the writer need not wake for it.
  ///
  /// - Parameter inputLength: the length of the buffer in which the rest of a frame is waited for, if there is one.
  func writeOrWake(inputLength: Int) {
    let (writer, isAlone) = state.withLock { state in
      state.inputLength = inputLength
      state.count(in: context.memory)
      return (state.writerToWake(), state.handlers == 0)
    }
    guard let writer else { return }
    guard isAlone else { return writer.resume() }
    // It sleeps until we wake it, and nobody else writes.
    let buffer = context.buffers.take()
    defer { context.buffers.giveBack(buffer) }
    var awake: [UnsafeContinuation<Void, Never>] = []
    let step = state.withLock { state in gather(upTo: WriteMark.least, into: buffer, &awake, &state) }
    for waiter in awake { waiter.resume() }
    if case .write = step {
      do {
        // The buffer is ours until this returns, so the bytes stay where they are.
        buffer.bytes.consume(try stream.tryWrite(buffer.bytes.taken.span.bytes))
        if buffer.bytes.isEmpty { tellEnded(with: buffer) }
      } catch {
        fail()
        tellEnded(with: buffer, .clientGone)
      }
    } else {
      tellEnded(with: buffer)
    }
    let next = state.withLock { state in
      state.core.putBack(&buffer.bytes, &buffer.traces)
      state.sleepingWriter = writer
      return state.writerToWake()
    }
    next?.resume()
  }

  private func gather(
    upTo mark: Int, into buffer: HTTP2Buffer, _ awake: inout [UnsafeContinuation<Void, Never>],
    _ state: inout HTTP2ConnectionState
  ) -> Step {
    let drained = state.core.fill(upTo: mark)
    state.core.takeEndedTraces(into: &buffer.traces)
    for slot in drained {
      if let writer = state.seats[slot].writer.take() { awake.append(writer) }
    }
    if state.core.takeOutput(&buffer.bytes) { return .write }
    if state.isEnding || state.core.isFinished { return .end }
    state.count(in: context.memory)
    // The larger memory is for the other connections.
    state.core.keepSmaller(&buffer.bytes)
    return .sleep
  }

  /// Waits until there is something to write, or nothing more to be expected. Being cancelled is the end of everything.
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
      abandonAll()
    }
  }

  /// The stream takes no more: nothing can be answered.
  private func fail() {
    abandonAll()
    // The reading task learns of it from the stream.
    stream.close()
  }
}

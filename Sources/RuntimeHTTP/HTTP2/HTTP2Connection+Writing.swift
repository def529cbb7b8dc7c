import Runtime

extension HTTP2Connection {
  /// How much is gathered for one write. More would save nothing, and whose turn it is is decided anew for each.
  private static var writeMark: Int { 128 * 1024 }

  private enum Step {
    case write
    /// There is nothing to write.
    case sleep
    /// There will be nothing more.
    case end
  }

  /// Writes what there is to write, until there will be no more.
  func write() async {
    let buffer = context.buffers.take()
    defer { context.buffers.giveBack(buffer) }
    var awake: [UnsafeContinuation<Void, Never>] = []
    while true {
      let step = state.withLock { state in gather(into: buffer, &awake, &state) }
      for waiter in awake { waiter.resume() }
      awake.removeAll(keepingCapacity: true)
      switch step {
      case .write:
        control.begin(.output)
        do {
          // The buffer is ours until this returns, so the bytes stay where they are.
          try await stream.write(buffer.bytes.taken.span.bytes)
        } catch {
          return fail()
        }
        control.end(.output)
        buffer.bytes.removeAll()
      case .sleep:
        await sleep()
        // Whoever is ready goes first, and leaves what it has with the rest.
        await Task.yield()
      case .end: return
      }
    }
  }

  private func gather(
    into buffer: HTTP2Buffer, _ awake: inout [UnsafeContinuation<Void, Never>], _ state: inout HTTP2ConnectionState
  ) -> Step {
    state.core.fill(upTo: Self.writeMark)
    for slot in state.core.drained {
      if let writer = state.seats[slot].writer.take() { awake.append(writer) }
    }
    state.core.drained.removeAll(keepingCapacity: true)
    guard state.core.output.isEmpty else {
      swap(&state.core.output, &buffer.bytes)
      state.core.unwrittenEnds = 0
      return .write
    }
    return state.isEnding || state.core.isFinished ? .end : .sleep
  }

  /// Waits until there is something to write, or nothing more to be expected. Being cancelled is the end of everything.
  private func sleep() async {
    await withTaskCancellationHandler {
      await withUnsafeContinuation { continuation in
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

/// Memory for what is read or written, in one pair of hands at a time.
final class HTTP2Buffer: @unchecked Sendable {  // in one pair of hands, as said above
  /// The longest frame that we let a peer send.
  static let leastRoom = FrameHeader.size + 16_384
  static let capacity = 2 * leastRoom

  @exclusivity(unchecked) var bytes = ByteBuffer(capacity: capacity)

  /// Whether what is there may begin a DATA frame: the fourth byte tells.
  var mayHoldData: Bool { bytes.count < 4 || bytes.taken[3] == FrameType.data.rawValue }

  /// The stream of the frame that it begins, if that is there.
  var streamOfData: StreamID? {
    bytes.count < FrameHeader.size ? nil : FrameHeader(bytes.taken.span, at: 0).stream
  }
}

/// Buffers that no connection needs just now.
final class HTTP2BufferPool: Sendable {
  /// More than this many are not kept: as many connections are busy at the same moment on few machines.
  private static let bound = 64
  /// One that has grown past this is not kept.
  private static let largest = 256 * 1024

  private let buffers = Lock<[HTTP2Buffer]>([])

  func take() -> HTTP2Buffer { buffers.withLock { $0.popLast() } ?? HTTP2Buffer() }

  func giveBack(_ buffer: HTTP2Buffer) {
    guard buffer.bytes.capacity <= Self.largest else { return }
    buffer.bytes.removeAll()
    buffers.withLock { buffers in
      if buffers.count < Self.bound { buffers.append(buffer) }
    }
  }
}

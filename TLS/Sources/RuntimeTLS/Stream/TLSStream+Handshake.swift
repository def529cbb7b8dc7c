public import Runtime
import RuntimePrimitives

extension TLSStream {
  /// The operation that errors of the handshake are told as.
  private var operation: IOError.Operation { isServer ? .accept : .connect }

  /// Does the handshake, unless it is done. Reading and writing do it first if it is not.
  ///
  /// If another task is at it, this waits for that one. It has no limit of time of its own.
  ///
  /// *Cancellation:* ends it; another call goes on where this one has stopped.
  ///
  /// - Throws: an error of `accept` or `connect` with a ``TLSFailure`` if it fails, and those of the base stream.
  public func handshake() async throws(IOError) {
    try await handshake { () async throws(IOError) in state.withLock { $0.handshake() } }
  }

  /// Does the handshake as ``handshake()`` does, and has threads of `runtime` for blocking work do what it computes.
  ///
  /// It is worth two hops between threads where a key is slow: to sign with RSA takes about a millisecond, in which no other
  /// task of the worker runs, and to sign with ECDSA a tenth of one.
  ///
  /// - Throws: what ``handshake()`` throws. If the runtime refuses the work, the cause is `BlockingWorkRefused`.
  public func handshake(computingOn runtime: some AsyncRuntime) async throws(IOError) {
    try await handshake { () async throws(IOError) in
      do {
        return try await runtime.runBlocking { self.state.withLock { $0.handshake() } }
      } catch let error as IOError {
        throw error
      } catch {
        throw error.isCancellation ? IOError(operation, .cancelled) : IOError(operation, causedBy: error)
      }
    }
  }

  /// How a step of the handshake has ended: whether it was the last.
  private typealias Step = Result<Bool, TLSFailure>

  private func handshake(_ step: () async throws(IOError) -> Step) async throws(IOError) {
    while true {
      switch try beginHandshake() {
      case .done: return
      case .wait: await waitForHandshake()
      case .begun:
        do throws(IOError) {
          try await shake(step)
        } catch {
          endHandshake(.fresh)
          throw error
        }
        endHandshake(.established)
      }
    }
  }

  /// Does the handshake, unless it is done, at the cost of a look.
  func establish() async throws(IOError) {
    if state.withLock({ $0.isEstablished }) { return }
    try await handshake()
  }

  private func shake(_ step: () async throws(IOError) -> Step) async throws(IOError) {
    while true {
      switch try await step() {
      case .success(true): return try await flush()
      case .success(false):
        try await flush()
        try await receive()
      case .failure(let failure):
        // There may be an alert. A peer that does not take it has nothing else to learn.
        try? await flush()
        throw IOError(operation, causedBy: failure)
      }
    }
  }

  /// Waits for input, without a buffer, and takes it from the base stream.
  private func receive() async throws(IOError) {
    try await base.waitUntilReadable()
    let chunk = ByteChunk(capacity: inputSize)
    var room = OutputRawSpan(buffer: chunk.room, initializedCount: 0)
    if let count = try base.tryRead(into: &room) {
      chunk.commit(count)
    } else {
      chunk.commit(try await base.read(into: &room))
    }
    state.withLock { state in
      if chunk.isEmpty { state.failure = .truncation } else { state.input = chunk }
    }
  }

  // MARK: One task at a time

  private func beginHandshake() throws(IOError) -> Beginning {
    try state.withLock { state throws(IOError) in
      if state.isClosed { throw IOError(operation, .closed) }
      switch state.phase {
      case .established: return .done
      case .shaking:
        if Task.isCancelled { throw IOError(operation, .cancelled) }
        return .wait
      case .fresh:
        if let failure = state.failure { throw IOError(operation, causedBy: failure) }
        state.phase = .shaking([])
        return .begun
      }
    }
  }

  private func endHandshake(_ phase: TLSState.Phase) {
    let waiters = state.withLock { state -> [TLSState.Waiter] in
      defer { state.phase = phase }
      state.mayHaveMore = state.input != nil
      if case .shaking(let waiters) = state.phase { return waiters }
      return []
    }
    for waiter in waiters { waiter.continuation.resume() }
  }

  /// Waits until the handshake that another task does has ended, one way or the other, or this task is cancelled.
  private func waitForHandshake() async {
    let number = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isWaiting = state.withLock { state in
          // Cancelling sets the flag first and calls the handler after, so one of the two sees the other.
          guard case .shaking(let waiters) = state.phase, !Task.isCancelled else { return false }
          state.phase = .shaking(waiters + [TLSState.Waiter(number: number, continuation: continuation)])
          return true
        }
        if !isWaiting { continuation.resume() }
      }
    } onCancel: {
      let waiter = state.withLock { state -> TLSState.Waiter? in
        guard case .shaking(let waiters) = state.phase else { return nil }
        state.phase = .shaking(waiters.filter { $0.number != number })
        return waiters.first { $0.number == number }
      }
      waiter?.continuation.resume()
    }
  }
}

extension TLSState {
  /// Goes on with the handshake.
  ///
  /// - Returns: whether it is done; more input is needed if it is not.
  fileprivate mutating func handshake() -> Result<Bool, TLSFailure> {
    if let failure { return .failure(failure) }
    let outcome = engine.handshake(input)
    dropUsedInput()
    let failure: TLSFailure
    switch outcome {
    case .done: return .success(true)
    case .wantsInput: return .success(false)
    case .ended: failure = TLSFailure(reason: "the peer has ended the handshake")
    case .failed(let reason): failure = reason
    }
    self.failure = failure
    return .failure(failure)
  }
}

/// How the beginning of a handshake has ended.
private enum Beginning { case done, wait, begun }

public import Runtime
import RuntimePrimitives

extension TLSStream {
  /// The operation of errors in the handshake.
  private var operation: IOError.Operation { isServer ? .accept : .connect }

  /// Performs the handshake, unless it is done. Reads and writes perform it first if necessary.
  ///
  /// If another task is performing it, the call waits for that task. It has no time limit of its own.
  ///
  /// *Cancellation:* ends the call. Another call continues where it stopped.
  ///
  /// - Throws: an error of `accept` or `connect` with a ``TLSFailure`` if the handshake fails, or an error of the base
  ///   stream.
  public func handshake() async throws(IOError) {
    try await handshake { () async throws(IOError) in state.withLock { $0.handshake() } }
  }

  /// Performs the handshake like ``handshake()``, but computes on threads of `runtime` for blocking work.
  ///
  /// That is worth two thread switches if a key is slow: a signature with RSA takes about a millisecond, during which
  /// no other task of the worker runs, and one with ECDSA a tenth of that.
  ///
  /// - Throws: the errors of ``handshake()``. If the runtime refuses the work, the cause is `BlockingWorkRefused`.
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

  /// The result of a step of the handshake: whether it was the last one.
  private typealias Step = Result<Bool, TLSFailure>

  private func handshake(_ step: () async throws(IOError) -> Step) async throws(IOError) {
    while true {
      switch try beginHandshake() {
      case .done: return
      case .wait: await waitForHandshake()
      case .begun:
        do throws(IOError) {
          try await performHandshake(step)
        } catch {
          endHandshake(.notStarted)
          throw error
        }
        endHandshake(.established)
      }
    }
  }

  /// Performs the handshake, unless it is done, with a quick check.
  func establish() async throws(IOError) {
    if state.withLock({ $0.isEstablished }) { return }
    try await handshake()
  }

  /// Performs the steps of the handshake, and reads from and writes to the base stream between them.
  private func performHandshake(_ step: () async throws(IOError) -> Step) async throws(IOError) {
    while true {
      switch try await step() {
      case .success(true): return try await flush()
      case .success(false):
        try await flush()
        try await receive()
      case .failure(let failure):
        // There may be an alert to send. If the peer does not accept it, nothing is left to do.
        try? await flush()
        throw IOError(operation, causedBy: failure)
      }
    }
  }

  /// Waits for input without holding a buffer, and reads it from the base stream.
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

  private func beginHandshake() throws(IOError) -> HandshakeStart {
    try state.withLock { state throws(IOError) in
      if state.isClosed { throw IOError(operation, .closed) }
      switch state.phase {
      case .established: return .done
      case .inProgress:
        if Task.isCancelled { throw IOError(operation, .cancelled) }
        return .wait
      case .notStarted:
        if let failure = state.failure { throw IOError(operation, causedBy: failure) }
        state.phase = .inProgress([])
        return .begun
      }
    }
  }

  private func endHandshake(_ phase: TLSState.Phase) {
    let waiters = state.withLock { state -> [TLSState.Waiter] in
      defer { state.phase = phase }
      state.mayHaveMore = state.input != nil
      if case .inProgress(let waiters) = state.phase { return waiters }
      return []
    }
    for waiter in waiters { waiter.continuation.resume() }
  }

  /// Waits until the handshake of another task has ended, successfully or not, or this task is cancelled.
  private func waitForHandshake() async {
    let number = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let isWaiting = state.withLock { state in
          // Cancellation sets the flag before it calls the handler. So either this check sees the flag or the handler
          // finds the waiter.
          guard case .inProgress(let waiters) = state.phase, !Task.isCancelled else { return false }
          state.phase = .inProgress(waiters + [TLSState.Waiter(number: number, continuation: continuation)])
          return true
        }
        if !isWaiting { continuation.resume() }
      }
    } onCancel: {
      let waiter = state.withLock { state -> TLSState.Waiter? in
        guard case .inProgress(let waiters) = state.phase else { return nil }
        state.phase = .inProgress(waiters.filter { $0.number != number })
        return waiters.first { $0.number == number }
      }
      waiter?.continuation.resume()
    }
  }
}

extension TLSState {
  /// Continues the handshake.
  ///
  /// - Returns: whether it is done; `false` if more input is needed.
  fileprivate mutating func handshake() -> Result<Bool, TLSFailure> {
    if let failure { return .failure(failure) }
    let outcome = engine.handshake(input)
    dropConsumedInput()
    let failure: TLSFailure
    switch outcome {
    case .done: return .success(true)
    case .wantsInput: return .success(false)
    case .ended: failure = TLSFailure(reason: "the peer ended the handshake")
    case .failed(let reason): failure = reason
    }
    self.failure = failure
    return .failure(failure)
  }
}

/// The result of beginning a handshake.
private enum HandshakeStart { case done, wait, begun }

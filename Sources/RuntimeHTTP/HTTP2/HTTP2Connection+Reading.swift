import Runtime
import RuntimePrimitives

extension HTTP2Connection {
  /// Reads until the peer has finished or the stream has failed.
  ///
  /// Cancellation does not end this; closing the stream does.
  func read() async {
    do throws(IOError) {
      var goesOn = try await readFrames(isFirst: true)
      while goesOn {
        // There was nothing to read, so this waits and other tasks run meanwhile. Turns that continued over waits would
        // end in the middle of a batch, where an end costs most: the responses so far would wake the writer.
        readingTurn.restart()
        try await stream.waitUntilReadableOrClosed()
        goesOn = try await readFrames()
      }
    } catch {
      // The stream has failed or has been closed. In case the peer still reads, it is told which stream is the last.
      state.withLock { state in state.core.completeShutdown() }
    }
    closeAllStreams()
  }

  /// Reads and processes frames until the input is used up and ends at the end of a frame.
  ///
  /// - Parameter isFirst: Whether to begin with the bytes that HTTP/1 has read ahead, which may be all there is.
  /// - Returns: Whether the peer may send more.
  private func readFrames(isFirst: Bool = false) async throws(IOError) -> Bool {
    let batch = context.batches.take()
    defer { context.batches.giveBack(batch) }
    if isFirst {
      state.withLock { state in
        batch.input.append(state.rest.span)
        state.rest = []
      }
      if batch.input.isEmpty { return true }
    } else {
      if let overload = context.overload { batch.isOverloaded = overload.refusesInput(of: stream) }
      guard try await fill(batch) > 0 else { return false }
    }
    while true {
      while receive(batch) { await readingTurn.yieldTurn() }
      // If a frame is incomplete, this waits for the rest and keeps the buffer.
      let count = batch.input.isEmpty ? try batch.input.tryFill(from: stream) : try await fill(batch)
      guard let count else { return true }
      if count == 0 { return false }
      // These bytes arrived without a wait, so they say nothing about overload.
      batch.isOverloaded = false
    }
  }

  /// Appends to the batch what can be read. Returns 0 if the peer has finished.
  private func fill(_ batch: HTTP2Batch) async throws(IOError) -> Int {
    batch.input.reserve(HTTP2Batch.leastRoom)
    // This task owns the batch until the read returns, so the room does not move.
    var room = OutputRawSpan(buffer: batch.input.room, initializedCount: 0)
    let count = try await stream.read(into: &room)
    batch.input.commit(count)
    return count
  }

  /// Sends the first frames of the connection, and starts the handler of the request that HTTP/1 hands over, if there
  /// is one.
  ///
  /// - Parameter handover: What HTTP/1 hands over, if it had the connection before.
  func start(handover: HTTP2Handover = HTTP2Handover()) {
    control.setWatcher(self)
    // If HTTP/1 was waiting for a head, that wait is over.
    control.endWait(.head)
    let batch = context.batches.take()
    defer { context.batches.giveBack(batch) }
    state.withLock { state in
      state.rest = handover.rest
      state.core.takeMemory(from: &batch.memory)
      state.core.sendPreface(under: context.memory.pressure)
      guard let upgrade = handover.upgrade else { return }
      do throws(HTTP2Error) {
        let slot = try state.core.adopt(upgrade.request.method, settings: upgrade.settings)
        state.registerHandler(at: slot)
        control.beginRequest()
        let request =
          context.observers == nil ? upgrade.request : trace(upgrade.request, slot, 1, isRefused: false, &state)
        batch.arrivals.append(.init(slot: slot, stream: 1, request: request, isWhole: true))
      } catch {
        if case .connection(let code, let reason) = error { state.core.fail(code, reason) }
      }
    }
    startHandlers(of: batch)
  }

  /// How much of the input has been processed.
  private enum InputProgress {
    /// All of the input except an incomplete frame.
    case all
    /// As much as one turn allows.
    case part
    /// The last input, because the connection has failed.
    case last
  }

  /// Processes the frames of `batch`, and performs the actions that they lead to.
  ///
  /// - Returns: Whether other tasks should run before the next call, which continues from there.
  private func receive(_ batch: HTTP2Batch) -> Bool {
    // Requests left over from the last call go first.
    let progress = batch.arrivals.isEmpty ? state.withLock { state in decodeFrames(of: batch, &state) } : .part
    for task in batch.tasksToCancel { task.cancel() }
    batch.tasksToCancel.removeAll(keepingCapacity: true)
    startHandlers(of: batch)
    for continuation in batch.continuationsToResume { continuation.resume() }
    batch.continuationsToResume.removeAll(keepingCapacity: true)
    writeOrWake(batch)
    if progress == .last { closeAllStreams() }
    return progress == .part || !batch.arrivals.isEmpty || readingTurn.isOver
  }

  /// Decodes the frames of `batch`, and collects the actions that they lead to.
  private func decodeFrames(of batch: HTTP2Batch, _ state: inout HTTP2ConnectionState) -> InputProgress {
    if state.isEnding || state.core.isFinished {
      // Input after the end is read and discarded.
      batch.input.removeAll()
      return .all
    }
    let bytes = batch.input.contents
    let now = MonotonicTime.now
    state.core.takeMemory(from: &batch.memory)
    state.core.beginTurn(work: HTTP2Batch.mostWork, second: secondsSince1970(), under: context.memory.pressure)
    var position = 0
    var progress = InputProgress.all
    var hasRequests = false
    loop: while true {
      let event: HTTP2Core.Event
      do throws(HTTP2Error) {
        event = try state.core.next(bytes.span, at: &position, now: now)
      } catch {
        progress = .last
        break
      }
      switch event {
      case .needsInput: break loop
      case .pause:
        progress = .part
        break loop
      case .request(let slot):
        hasRequests = true
        state.registerHandler(at: slot)
        control.beginRequest()
        batch.arrivals.append(arrival(slot, in: batch, &state))
      case .content(let slot):
        if let reader = state.waiters[slot].reader.take() { batch.continuationsToResume.append(reader) }
      case .closed(let slot):
        if let index = batch.arrivals.lastIndex(where: { $0.slot == slot }) {
          // The request was cancelled before it was answered, so it need not be answered.
          batch.arrivals.remove(at: index)
          if let waiter = endHandler(slot, holding: &state) { batch.continuationsToResume.append(waiter) }
        } else {
          state.collectWaiters(at: slot, into: &batch.tasksToCancel, &batch.continuationsToResume)
        }
      }
    }
    if progress == .last { batch.input.removeAll() } else { batch.input.consume(position) }
    readingTurn.spend(position + HTTP2Batch.mostWork - state.core.workLeft)
    noteWait(batch, hasFrames: position > 0, hasRequests: hasRequests, isPaused: progress == .part, &state)
    return progress
  }

  /// Returns the request whose head is in `slot`.
  private func arrival(
    _ slot: Int, in batch: HTTP2Batch, _ state: inout HTTP2ConnectionState
  ) -> HTTP2Batch.Arrival {
    var exchange: HTTP2Exchange<Stream, H>?
    var arrival = state.core.takeRequest(slot, from: origin) { stream, length in
      let new = HTTP2Exchange(self, slot, stream)
      exchange = new
      return RequestBody(new, length: length)
    }
    arrival.request.exchange = exchange
    let isRefused = batch.isOverloaded && context.overload?.refuses(arrival.request) == true
    if context.observers != nil {
      arrival.request = trace(arrival.request, slot, arrival.stream, isRefused: isRefused, &state)
    }
    return HTTP2Batch.Arrival(
      slot: slot, stream: arrival.stream, request: arrival.request, isWhole: arrival.isWhole, isRefused: isRefused)
  }

  /// Answers the requests of a batch: directly if the handler answers in a plain call, and each of the others in a task
  /// of its own. Until the next write, there are at most as many requests as the client may have streams.
  ///
  /// When the turn is over, the remaining requests stay in the batch.
  private func startHandlers(of batch: HTTP2Batch) {
    if batch.arrivals.isEmpty { return }
    var count = 0
    for arrival in batch.arrivals {
      if readingTurn.isOver { break }
      count += 1
      let response = response(atOnceTo: arrival)
      if let response, case .bytes = response.body.storage {
        batch.answers.append((arrival.slot, response))
        readingTurn.spend(Turn.handlerCall)
      } else {
        let task = responder.executor.spawn(context.taskOptions()) { [self] in
          await runHandler(for: arrival.request, arrival.slot, arrival.stream, response)
        }
        batch.tasks.append((arrival.slot, arrival.stream, task))
        readingTurn.spend(Turn.handlerTask)
      }
    }
    batch.removeArrivals(count)
    state.withLock { state in
      for (slot, response) in batch.answers {
        if let waiter = finish(slot, with: response, &state) { batch.continuationsToResume.append(waiter) }
      }
      for (slot, stream, task) in batch.tasks where state.core.isLive(slot, stream) {
        if state.waiters[slot].isCancelled { batch.tasksToCancel.append(task) } else { state.waiters[slot].task = task }
      }
    }
    batch.answers.removeAll(keepingCapacity: true)
    batch.tasks.removeAll(keepingCapacity: true)
    for task in batch.tasksToCancel { task.cancel() }
    batch.tasksToCancel.removeAll(keepingCapacity: true)
  }
}

extension HTTP2Connection {
  /// Returns the response to a request, if the handler or the overload protection gives one without waiting.
  @inline(__always)
  private func response(atOnceTo arrival: HTTP2Batch.Arrival) -> Response? {
    if arrival.isRefused { return context.overload?.refusal }
    if let observers = context.observers, let trace = arrival.request.trace { observers.began(trace) }
    return arrival.isWhole ? responder.respondAtOnce(to: arrival.request) : nil
  }
}

// MARK: - Time

extension HTTP2Connection: ConnectionWatcher {
  /// Records the next wait for input and its deadline.
  ///
  /// - Parameters:
  ///   - hasFrames: Whether a complete frame has been received.
  ///   - isPaused: Whether the batch has frames that have not been processed, so that there is no wait yet.
  private func noteWait(
    _ batch: HTTP2Batch, hasFrames: Bool, hasRequests: Bool, isPaused: Bool, _ state: inout HTTP2ConnectionState
  ) {
    state.lastReceiveTick = state.core.tick
    if !state.core.hasPeerSettings { return }
    if isPaused {
      state.partial = .nothing
      state.readDeadline = 0
    } else if state.core.isWithinBlock || !batch.input.isEmpty {
      // The rest of a head must arrive in time, and so must each frame of content, however many pieces it arrives in.
      let isContent = !state.core.isWithinBlock && batch.mayHoldData
      let partial: HTTP2ConnectionState.Partial = isContent ? .content : .head
      if partial != state.partial || isContent && hasFrames {
        state.readDeadline = state.core.tick + (isContent ? context.stallTicks : context.headTicks) + 1
      }
      state.partial = partial
    } else if hasRequests || state.partial == .head || state.readDeadline == 0 || state.core.hasStreams {
      state.partial = .nothing
      state.readDeadline = 0
    }
  }

  /// Ends what has taken too long at tick `now`.
  func tick(_ now: UInt64) {
    let (isOver, tasksToCancel, continuationsToResume, writer) = state.withLock { state in
      var tasksToCancel: [Task<Void, any Error>] = []
      var continuationsToResume: [UnsafeContinuation<Void, Never>] = []
      for event in state.core.advance(to: now) {
        switch event {
        case .closed(let slot): state.collectWaiters(at: slot, into: &tasksToCancel, &continuationsToResume)
        case .content(let slot):
          if let reader = state.waiters[slot].reader.take() { continuationsToResume.append(reader) }
        case .needsInput, .pause, .request: break
        }
      }
      state.core.setPressure(context.memory.pressure)
      state.updateHeldLength(in: context.memory)
      let isOver = self.isOver(&state, at: now)
      state.releaseMemory(at: now)
      return (isOver, tasksToCancel, continuationsToResume, state.writerToWake())
    }
    for task in tasksToCancel { task.cancel() }
    for continuation in continuationsToResume { continuation.resume() }
    writer?.resume()
    if isOver { endOrClose() }
  }

  /// Sends the end and starts the wait for the peer to close. If that wait has already begun, closes the stream.
  private func endOrClose() {
    let isAgain = state.withLock { state in
      state.core.completeShutdown()
      // The wait for the peer to close begins when the writer has sent the end.
      state.readDeadline = 0
      return state.isEnding
    }
    if isAgain { stream.close() } else { closeAllStreams() }
  }

  private func isOver(_ state: inout HTTP2ConnectionState, at now: UInt64) -> Bool {
    if state.readDeadline != 0, state.readDeadline <= now { return true }
    if state.isEnding || state.core.isFinished { return false }
    if state.readDeadline == 0, !state.core.hasStreams {
      // The connection has been idle since before this tick.
      state.readDeadline = now + context.idleTicks
    }
    if state.core.awaitsSettingsAcknowledgement, now >= state.settingsDeadline {
      state.core.fail(.settingsTimeout, "The peer has not acknowledged our settings.")
      return true
    }
    return isDead(&state, at: now)
  }

  /// Returns whether a peer with requests in flight has stopped responding.
  private func isDead(_ state: inout HTTP2ConnectionState, at now: UInt64) -> Bool {
    // The tick in which the last byte came was not a whole one.
    let silence = now - min(now, state.lastReceiveTick + 1)
    if !state.core.hasStreams || silence < context.keepAliveTicks { return false }
    if silence >= 2 * context.keepAliveTicks { return true }
    state.core.sendKeepAlive()
    return false
  }

  /// Answers requests without a response with a 503, interrupts the other responses, and cancels all handlers.
  func cancelRequests() {
    cancelHandlers { state in
      state.core.setTime(to: secondsSince1970())
      return state.core.endRequests()
    }
  }

  /// Ends the connection, because its writer has been cancelled.
  func taskWasCancelled() {
    state.withLock { state in state.core.completeShutdown() }
    closeAllStreams()
  }

  /// Begins a graceful shutdown, unless one has begun.
  func beginClosing() {
    let writer = state.withLock { state in
      state.core.beginShutdown()
      return state.writerToWake()
    }
    writer?.resume()
  }
}

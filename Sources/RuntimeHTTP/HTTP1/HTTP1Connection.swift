import Runtime

/// The state of a connection that does not continue with the next request immediately.
enum HTTP1Outcome {
  /// No byte of the next request has been received: the connection waits without a workspace.
  case idle
  /// The connection ends and everything has been sent, so the peer may be told.
  case finished
  /// The connection ends and something may be missing: it failed, or was interrupted.
  case broken
  /// Like `finished`, but the peer may still be sending. Its bytes are read for a while, so that it receives the
  /// response and not a reset (RFC 9112 section 9.6).
  case finishedEarly
  /// The connection ends while another task is still using the workspace after its exchange.
  case bodyInUse
  /// The connection switches to HTTP/2, with the state in the workspace.
  case http2
  /// Another protocol takes over the connection, as described by ``Workspace/takeover``.
  case takenOver
}

/// The point to which plain calls have brought a connection, and what it has to wait for to continue.
enum HTTP1Step {
  /// The connection has come to an outcome. There may be output left to write.
  case end(HTTP1Outcome)
  /// The first byte of a request.
  case waitForRequest(ConnectionControl.IdleToken)
  /// More of the bytes that tell which protocol the client uses.
  case detectProtocol
  /// More input.
  case fill
  /// Room for more output.
  case flush
  /// Other tasks, because the turn is over.
  case yield
  /// The handler.
  case respond
  /// A streamed or large response, which has to be sent.
  indirect case send(Response)

  /// Whether more memory has to be held before there is a response.
  var needsMore: Bool {
    switch self {
    case .waitForRequest, .detectProtocol, .fill, .respond: true
    case .end, .flush, .yield, .send: false
    }
  }
}

/// Serves the requests of one connection over HTTP/1, one after another, in the task that calls ``run()``.
///
/// ``advance(_:)`` does everything that needs no waiting in a plain call, which is usually all there is to do. Only
/// waits use async functions. These cost more, and Swift keeps the memory of a task's deepest frames for as long as the
/// task lives, so also for idle connections. Therefore rare code is out of line, which keeps its variables out of the
/// frames that every request goes through.
class HTTP1Connection<Stream: ByteStream, H: Handler>: ServedConnection, @unchecked Sendable {  // Only constants.
  let channel: HTTP1Channel<Stream>
  let origin: RequestOrigin
  let responder: Responder<H>
  let context: ConnectionContext
  let control: ConnectionControl
  let mayUpgrade: Bool

  /// - Parameter mayUpgrade: Whether the client may switch to HTTP/2.
  init(_ stream: Stream, _ control: ConnectionControl, _ responder: Responder<H>, mayUpgrade: Bool) {
    channel = HTTP1Channel(stream, control)
    origin = RequestOrigin(stream.peerAddress, responder.context.errors, connection: control)
    self.responder = responder
    self.control = control
    context = responder.context
    self.mayUpgrade = mayUpgrade
  }

  override func run() async {
    guard let workspace = await serve() else { return }
    if workspace.takeover == nil {
      await makeHTTP2(workspace).run()
    } else {
      await runTakeover(workspace)
    }
  }

  /// Serves requests until the client or the server ends the connection, then closes the stream.
  ///
  /// - Returns: The workspace with the state for HTTP/2 or another protocol, if one follows; the stream is then left
  ///   open.
  private func serve() async -> Workspace? {
    var isFirst = true
    while true {
      let idle = control.beginIdleWait(isFirst: isFirst)
      if shouldCloseIdle {
        await closeGracefully()
        return nil
      }
      do { try await channel.waitUntilReadable() } catch { break }
      isFirst = false
      let workspace = context.workspaces.take()
      switch readFirstBytes(workspace, after: idle) {
      case .end(.idle) where workspace.output.isEmpty: context.workspaces.giveBack(workspace)
      case .end(.http2) where workspace.output.isEmpty: return workspace
      case let step:
        switch await resume(workspace, at: step) {
        case .idle: break
        case .http2, .takenOver: return workspace
        case .finished, .broken, .finishedEarly, .bodyInUse: return nil
        }
      }
    }
    channel.stream.close()
    return nil
  }

  /// Whether the connection, which has just become idle, is to be closed. If a request has arrived, it is answered, and
  /// the response says that it is the last.
  private var shouldCloseIdle: Bool { context.isClosingIdle && !control.hasPendingInput }

  /// Waits for `step` and continues, as long as requests arrive without a pause. Closes the stream if the connection
  /// ends.
  @inline(never)
  private func resume(_ workspace: Workspace, at step: HTTP1Step) async -> HTTP1Outcome {
    // A connection that waits without a workspace holds no memory.
    let memory = context.memory
    let isRefused = step.needsMore && memory.pressure == .full
    memory.adjust(by: Workspace.heldLength)
    defer { memory.adjust(by: -Workspace.heldLength) }
    let outcome = await proceed(
      workspace, from: isRefused ? refuse(.shortOfMemory, workspace) : step)
    switch outcome {
    case .http2, .takenOver: return outcome
    case .bodyInUse:
      if let trace = workspace.trace { context.observers?.ended(trace, .failed) }
      return outcome
    case .idle: break
    case .finished: await closeGracefully()
    case .broken: channel.stream.close()
    // Letting the client see the end would need the workspace for as long, so this is skipped if memory is short.
    case .finishedEarly where memory.pressure == .full:
      try? await channel.flush(workspace)
      channel.stream.close()
    case .finishedEarly:
      await linger(workspace)
      channel.stream.close()
    }
    workspace.notifyLost(control.hasExpired ? .timedOut : .clientGone)
    context.workspaces.giveBack(workspace)
    return outcome
  }

  private func proceed(_ workspace: Workspace, from first: HTTP1Step) async -> HTTP1Outcome {
    var step = first
    while true {
      do {
        switch step {
        case .end(let outcome):
          try await channel.flush(workspace)
          return outcome
        case .waitForRequest(let idle):
          // `waitUntilReadable` may return spuriously, so the connection stays idle until something has been read.
          guard try await channel.fill(workspace), control.beginHeadWait(after: idle) else { return .finished }
          step = processFirstBytes(workspace)
          continue
        case .detectProtocol:
          guard try await channel.fill(workspace) else { return .finished }
          step = detectProtocol(workspace)
          continue
        case .fill:
          guard try await channel.fill(workspace) else { return .finished }
        case .flush:
          try await channel.flush(workspace)
        case .yield: break
        case .respond:
          let outcome = try await handleRequest(workspace)
          endRequest(outcome, workspace)
          channel.turn.spend(Turn.handlerCall)
          if let outcome {
            step = .end(outcome)
            continue
          }
        case .send(let response):
          let outcome = try await send(response, workspace, HTTP1Exchange(channel, workspace, context))
          endRequest(outcome, workspace)
          if let outcome {
            step = .end(outcome)
            continue
          }
        }
        if channel.turn.isOver { await channel.turn.yieldTurn() }
        step = advance(workspace)
      } catch {
        control.endHandling()
        step = self.step(after: error, workspace)
      }
    }
  }

  /// Records that a request has been answered with the given outcome.
  @inline(__always)
  private func endRequest(_ outcome: HTTP1Outcome?, _ workspace: Workspace) {
    // The request continues in another protocol.
    if outcome == .takenOver { return }
    control.endRequest()
    // After `bodyInUse`, another task uses the workspace.
    if outcome != .bodyInUse { workspace.endTrace() }
  }

  /// Returns the connection over HTTP/2 that continues with the state in `workspace`. It has begun.
  private func makeHTTP2(_ workspace: Workspace) -> HTTP2Connection<Stream, H> {
    let connection = HTTP2Connection(channel.stream, control, responder)
    connection.start(handover: workspace.handover.take() ?? HTTP2Handover())
    context.workspaces.giveBack(workspace)
    return connection
  }

  /// Closes the stream in an orderly way. The stream has a limited time to send what its protocol requires at the end.
  @inline(never)
  private func closeGracefully() async {
    guard control.beginCloseWait() else { return channel.stream.close() }
    await channel.stream.closeAndWait()
  }

  /// Closes the sending side, and reads input until the peer has closed too or the time for that is over. The limit is
  /// a time because a peer that sends fast would reach a limit in bytes at once, and unread input would then cause a
  /// reset.
  @inline(never)
  func linger(_ workspace: Workspace) async {
    do {
      try await channel.flush(workspace)
      guard control.beginCloseWait() else { return }
      try await channel.stream.shutdownWrite()
      // The task may have been cancelled because the client took too long, but the client should still see the end.
      repeat {
        workspace.input.removeAll()
        await Task.yield()
      } while try await channel.fillOrClosed(workspace)
    } catch {
      // The peer has disconnected or took too long, so nothing is left to do.
    }
  }
}

// MARK: - Plain calls

extension HTTP1Connection {
  /// Reads the first bytes of a request and continues from there.
  private func readFirstBytes(_ workspace: Workspace, after idle: ConnectionControl.IdleToken) -> HTTP1Step {
    // Before reading: a connection that has received a request must not be closed as idle.
    guard control.beginHeadWait(after: idle) else { return .end(.finished) }
    if let overload = context.overload { workspace.isOverloaded = overload.refusesInput(of: channel.stream) }
    do {
      guard let count = try channel.tryFill(workspace) else {
        let idle = control.beginIdleWait(isFirst: control.requestCount == 0)
        return shouldCloseIdle ? .end(.finished) : .waitForRequest(idle)
      }
      return count > 0 ? processFirstBytes(workspace) : .end(.finished)
    } catch {
      return .end(.broken)
    }
  }

  /// Continues from the first bytes of a request. The first bytes of the connection show which protocol the client
  /// uses.
  @inline(__always)
  private func processFirstBytes(_ workspace: Workspace) -> HTTP1Step {
    mayUpgrade && control.requestCount == 0 ? detectProtocol(workspace) : advance(workspace)
  }

  /// Detects whether the client uses HTTP/2 with prior knowledge (RFC 9113 section 3.3), and continues accordingly.
  @inline(never)
  private func detectProtocol(_ workspace: Workspace) -> HTTP1Step {
    switch PrefaceMatch(workspace.input.contents.span) {
    case .none: return advance(workspace)
    case .partial: return .detectProtocol
    case .whole:
      workspace.handover = HTTP2Handover(rest: Array(workspace.input.contents))
      return .end(.http2)
    }
  }

  /// Continues as far as possible without waiting.
  private func advance(_ workspace: Workspace) -> HTTP1Step {
    do {
      while true {
        switch try workspace.nextEvent() {
        case .head:
          control.endWait(.head)
          if workspace.decoder.framing.asksForHTTP2, mayUpgrade, workspace.upgrade(origin) { return .end(.http2) }
          control.beginRequest()
          // Usually the connection gets the workspace of its last request, whose parts have this origin.
          if workspace.decoder.parts.origin !== origin { workspace.decoder.parts.origin = origin }
          workspace.decoder.parts.number = number
          let response: Response
          if workspace.isOverloaded, let refusal = refusalByOverload(workspace) {
            response = refusal
          } else {
            if let observers = workspace.observers { workspace.beginTrace(for: observers) }
            guard workspace.decoder.isComplete,
              let answer = responder.respondAtOnce(to: Request(workspace.decoder.parts))
            else { return .respond }
            response = answer
          }
          guard try encodeIfSmall(response, workspace) else { return .send(response) }
          control.endRequest()
          workspace.endTrace()
          if let outcome = prepareForNextRequest(workspace) {
            _ = try channel.tryFlush(workspace)
            return .end(outcome)
          }
          // Only within a pipeline, so that a single request does not count.
          if channel.turn.spend(Turn.handlerCall) {
            _ = try channel.tryFlush(workspace)
            return .yield
          }
          if workspace.output.count >= WriteSizes.outputMark, try !channel.tryFlush(workspace) { return .flush }
        case .needsInput:
          guard try channel.tryFlush(workspace) else { return .flush }
          if workspace.decoder.isBetweenRequests { return .end(.idle) }
          guard !channel.turn.isOver, let count = try channel.tryFill(workspace) else { return .fill }
          if count == 0 { return .end(.finished) }
          channel.turn.spend(Turn.systemCall + count)
          // These bytes arrived without a wait, so they say nothing about overload.
          workspace.isOverloaded = false
        case .content, .end:
          // Content that a handler has not read is drained before the next event, so these events are ignored here.
          break
        }
      }
    } catch {
      return step(after: error, workspace)
    }
  }

  /// Returns the response to the request whose head has just been received, if it is refused because of overload.
  @inline(never)
  private func refusalByOverload(_ workspace: Workspace) -> Response? {
    guard let overload = context.overload, overload.refuses(Request(workspace.decoder.parts)) else { return nil }
    if let observers = workspace.observers { workspace.beginTrace(for: observers, isRefused: true) }
    return overload.refusal
  }

  /// Encodes the response to a complete request, if its content is in memory and small. Returns whether it did so.
  ///
  /// Inline, because a call would copy the response's content, which counts a reference.
  @inline(__always)
  func encodeIfSmall(_ response: Response, _ workspace: Workspace) throws -> Bool {
    guard workspace.decoder.isComplete, case .bytes(let bytes) = response.body.storage, bytes.count <= WriteSizes.copied
    else { return false }
    let persists = workspace.decoder.framing.keepAlive && !context.isClosing
    workspace.encodeHead(
      response.status, response.headers, contentLength: bytes.count, workspace.traits, persists, context)
    _ = try workspace.append(bytes)
    try workspace.encoder.finish(into: &workspace.output)
    return true
  }

  /// Prepares the connection for its next request, if it persists.
  ///
  /// - Returns: `nil` if part of the next request has already been received.
  func prepareForNextRequest(_ workspace: Workspace) -> HTTP1Outcome? {
    guard workspace.encoder.persists else {
      // A client that has sent a complete request and nothing after it has nothing in flight that would cause a reset,
      // unless it expects a tunnel.
      return workspace.decoder.isComplete && workspace.input.isEmpty && workspace.decoder.method != .connect
        ? .finished : .finishedEarly
    }
    workspace.decoder.beginNext()
    if workspace.input.isEmpty { return .idle }
    // The time for a head starts only with the wait for its rest, and bytes that are already there cause no wait.
    control.beginWait(.head)
    return nil
  }

  /// The number of the latest request on the connection.
  private var number: UInt32 { UInt32(truncatingIfNeeded: control.requestCount) }

  @inline(never)
  private func step(after error: any Error, _ workspace: Workspace) -> HTTP1Step {
    if let error = error as? WireError { return refuse(HTTPError(error), workspace) }
    // Bytes that do not yet show the protocol are in the input; all others are in the decoder.
    let isUndecided = control.requestCount == 0 && !workspace.input.isEmpty
    let isPartial = isUndecided || !workspace.decoder.isBetweenRequests && !workspace.decoder.isComplete
    if control.hasExpired, isPartial, workspace.output.isEmpty {
      return refuse(HTTPError(.requestTimeout), workspace)
    }
    // The connection has failed and its output is lost. Observers are notified first, because a flush of the then empty
    // output would report the requests as complete.
    workspace.notifyLost(control.hasExpired ? .timedOut : .clientGone)
    workspace.output.removeAll()
    return .end(.broken)
  }

  /// Answers an invalid request. The connection then ends, since the start of the next request is unknown.
  private func refuse(_ error: HTTPError, _ workspace: Workspace) -> HTTP1Step {
    control.endWait(.head)
    let response = workspace.refusal(error, from: origin, number &+ 1, context.errors)
    guard case .bytes(let bytes) = response.body.storage else { return .end(.broken) }
    // The method, as far as it is known: a response to HEAD has no content, whatever its status.
    let traits = ResponseEncoder.RequestTraits(method: workspace.decoder.method, version: .http1_1)
    workspace.encodeHead(response.status, response.headers, contentLength: bytes.count, traits, false, context)
    if workspace.encoder.sendsContent {
      workspace.output.append(bytes.span)
      if let trace = workspace.trace { trace.sentLength += bytes.count }
    }
    workspace.endTrace()
    return .end(.finishedEarly)
  }
}

import Runtime

/// How a connection stands when it does not go on with the next request at once.
enum HTTP1Outcome {
  /// Nothing has come of another request: it waits without a workspace.
  case idle
  /// It is at its end, and nothing is missing: the peer may be told so.
  case finished
  /// It is at its end, and something may be missing: it has broken, or was broken off.
  case broken
  /// As `finished`, and the peer may be sending still: what it sends is read for a while, so that it sees the response
  /// and not a reset (RFC 9112 section 9.6).
  case finishedEarly
  /// It is at its end, and somebody who has no business there any more uses the workspace still.
  case abandoned
  /// It goes on with HTTP/2, from what is in the workspace.
  case http2
  /// Another protocol follows, as ``Workspace/takeover`` says.
  case takenOver
}

/// How far a connection has come by plain calls, and what it has to wait for before it can go on.
enum HTTP1Step {
  /// No further: there may be output left that has to leave.
  case end(HTTP1Outcome)
  /// A request.
  case begin(ConnectionControl.IdleToken)
  /// More of the bytes that say what the client speaks.
  case detect
  /// More input.
  case fill
  /// Room for more output.
  case flush
  /// Others, since its turn is over.
  case turn
  /// The handler.
  case respond
  /// A response that is a stream, or large.
  indirect case send(Response)

  /// Whether more has to be held before there is a response.
  var needsMore: Bool {
    switch self {
    case .begin, .detect, .fill, .respond: true
    case .end, .flush, .turn, .send: false
    }
  }
}

/// Serves the requests of one connection by HTTP/1, one after another, in the task that calls ``run()``.
///
/// ``advance(_:)`` does in a plain call all that needs no waiting, which mostly is all that there is to do. Only what has
/// to be waited for goes by way of async functions. They cost more, and Swift keeps the memory of a task's deepest frames
/// for as long as the task lives, that is, for idle connections too: what is rare stays out of line, and its variables
/// out of the frames of what every request goes through.
class HTTP1Connection<Stream: ByteStream, H: Handler>: ServedConnection, @unchecked Sendable {  // Constants only.
  let channel: HTTP1Channel<Stream>
  let origin: RequestOrigin
  let responder: Responder<H>
  let context: ConnectionContext
  let control: ConnectionControl
  let mayUpgrade: Bool

  /// - Parameter mayUpgrade: whether the client may go on with HTTP/2.
  init(_ stream: Stream, _ control: ConnectionControl, _ responder: Responder<H>, mayUpgrade: Bool) {
    channel = HTTP1Channel(stream, control)
    origin = RequestOrigin(stream.peerAddress, responder.context.errors, connection: control)
    self.responder = responder
    self.control = control
    context = responder.context
    self.mayUpgrade = mayUpgrade
  }

  override func run() async {
    if let workspace = await serve() { await goOn(workspace) }
  }

  /// Goes on with HTTP/2 or with another protocol, from what is in `workspace`.
  ///
  /// Out of line, so that its variables are not in the frame of a connection that is idle.
  @inline(never)
  private func goOn(_ workspace: Workspace) async {
    if let takeover = workspace.takeover.take() {
      await talk(takeover, workspace)
    } else {
      await makeHTTP2(workspace).run()
    }
  }

  /// Serves requests until the client or the server has had enough, and closes the stream.
  ///
  /// - Returns: if HTTP/2 or another protocol follows, the workspace that says from where.
  private func serve() async -> Workspace? {
    var isFirst = true
    while true {
      let idle = control.beginIdle(isFirst: isFirst)
      if isOver {
        await closeAsItShould()
        return nil
      }
      do { try await channel.waitUntilReadable() } catch { break }
      isFirst = false
      let workspace = context.workspaces.take()
      switch begin(workspace, after: idle) {
      case .end(.idle) where workspace.output.isEmpty: context.workspaces.giveBack(workspace)
      case .end(.http2) where workspace.output.isEmpty: return workspace
      case let step:
        switch await resume(workspace, at: step) {
        case .idle: break
        case .http2, .takenOver: return workspace
        case .finished, .broken, .finishedEarly, .abandoned: return nil
        }
      }
    }
    channel.stream.close()
    return nil
  }

  /// Whether the connection, which has just become idle, is to be closed. A request that has come is answered; the
  /// response says that it is the last.
  private var isOver: Bool { context.isClosingIdle && !control.hasPendingInput }

  /// Goes on at `step`, where there is something to wait for, as long as requests come without a pause, and closes the
  /// stream if that was the end.
  @inline(never)
  private func resume(_ workspace: Workspace, at step: HTTP1Step) async -> HTTP1Outcome {
    // A connection that waits without a workspace holds nothing.
    let memory = context.memory
    let isRefused = step.needsMore && memory.pressure == .full
    memory.adjust(by: Workspace.heldLength)
    defer { memory.adjust(by: -Workspace.heldLength) }
    let outcome = await proceed(
      workspace, from: isRefused ? refuse(.shortOfMemory, workspace) : step)
    switch outcome {
    case .http2, .takenOver: return outcome
    case .abandoned:
      if let trace = workspace.trace { context.observers?.ended(trace, .failed) }
      return outcome
    case .idle: break
    case .finished: await closeAsItShould()
    case .broken: channel.stream.close()
    // A client that is to see the end needs a workspace for as long.
    case .finishedEarly where memory.pressure == .full:
      try? await channel.flush(workspace)
      channel.stream.close()
    case .finishedEarly:
      await linger(workspace)
      channel.stream.close()
    }
    workspace.noteLost(control.hasExpired ? .timedOut : .clientGone)
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
        case .begin(let idle):
          // `waitUntilReadable` may return without need, so that the connection is idle until something has been read.
          guard try await channel.fill(workspace), control.beginHead(after: idle) else { return .finished }
          step = start(workspace)
          continue
        case .detect:
          guard try await channel.fill(workspace) else { return .finished }
          step = detect(workspace)
          continue
        case .fill:
          guard try await channel.fill(workspace) else { return .finished }
        case .flush:
          try await channel.flush(workspace)
        case .turn: break
        case .respond:
          let outcome = try await answer(workspace)
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
        if channel.turn.isOver { await channel.turn.give() }
        step = advance(workspace)
      } catch {
        control.endHandling()
        step = self.step(after: error, workspace)
      }
    }
  }

  /// Notes that a request has been answered, and the connection stands at `outcome`.
  @inline(__always)
  private func endRequest(_ outcome: HTTP1Outcome?, _ workspace: Workspace) {
    // It goes on, in another protocol.
    if outcome == .takenOver { return }
    control.endRequest()
    // The workspace of one that is abandoned is in other hands.
    if outcome != .abandoned { workspace.endTrace() }
  }

  /// The connection of HTTP/2 that goes on from what is in `workspace`, and has begun.
  private func makeHTTP2(_ workspace: Workspace) -> HTTP2Connection<Stream, H> {
    let connection = HTTP2Connection(channel.stream, control, responder)
    connection.begin(workspace.handover.take() ?? HTTP2Handover())
    context.workspaces.giveBack(workspace)
    return connection
  }

  /// Closes the stream, once it has said to the peer what it says by itself, for which it has as long as the farewell lasts.
  @inline(never)
  private func closeAsItShould() async {
    guard control.beginFarewell() else { return channel.stream.close() }
    await channel.stream.closeAndWait()
  }

  /// Lets the peer see the end, and reads what it sends until it has seen it, or for as long as the farewell lasts: a
  /// bound in bytes would be reached at once by a peer that sends fast, and what lay unread would make a reset.
  @inline(never)
  func linger(_ workspace: Workspace) async {
    do {
      try await channel.flush(workspace)
      guard control.beginFarewell() else { return }
      try await channel.stream.shutdownWrite()
      // The task may have been cancelled, since the client has taken too long: that is no reason to be rude.
      repeat {
        workspace.input.removeAll()
        await Task.yield()
      } while try await channel.fillOrClosed(workspace)
    } catch {
      // The peer has gone, or has taken too long: there is nobody to be polite to.
    }
  }
}

// MARK: - Without waiting

extension HTTP1Connection {
  /// Reads the first of a request, and goes on from there.
  private func begin(_ workspace: Workspace, after idle: ConnectionControl.IdleToken) -> HTTP1Step {
    // Before anything is read: a connection with a request in its hands must not be closed as an idle one.
    guard control.beginHead(after: idle) else { return .end(.finished) }
    if let overload = context.overload { workspace.isOverloaded = overload.refuses(whatHasComeOn: channel.stream) }
    do {
      guard let count = try channel.tryFill(workspace) else {
        let idle = control.beginIdle(isFirst: control.requestCount == 0)
        return isOver ? .end(.finished) : .begin(idle)
      }
      return count > 0 ? start(workspace) : .end(.finished)
    } catch {
      return .end(.broken)
    }
  }

  /// Goes on from the first bytes of a request; those of the connection say what the client speaks.
  @inline(__always)
  private func start(_ workspace: Workspace) -> HTTP1Step {
    mayUpgrade && control.requestCount == 0 ? detect(workspace) : advance(workspace)
  }

  /// Finds out whether the client speaks HTTP/2 without having asked (RFC 9113 section 3.3), and goes on with what it
  /// speaks.
  @inline(never)
  private func detect(_ workspace: Workspace) -> HTTP1Step {
    switch PrefaceMatch(workspace.input.taken.span) {
    case .none: return advance(workspace)
    case .partial: return .detect
    case .whole:
      workspace.handover = HTTP2Handover(rest: Array(workspace.input.taken))
      return .end(.http2)
    }
  }

  /// Goes as far as it can without waiting.
  private func advance(_ workspace: Workspace) -> HTTP1Step {
    do {
      while true {
        switch try workspace.nextEvent() {
        case .head:
          control.end(.head)
          if workspace.decoder.framing.asksForHTTP2, mayUpgrade, workspace.upgrade(origin) { return .end(.http2) }
          control.beginRequest()
          // Mostly it is this one since the request before.
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
          guard try sendAtOnce(response, workspace) else { return .send(response) }
          control.endRequest()
          workspace.endTrace()
          if let outcome = settle(workspace) {
            _ = try channel.tryFlush(workspace)
            return .end(outcome)
          }
          // Only where there is more of a pipeline, so that a request by itself does not count.
          if channel.turn.spend(Turn.handlerCall) {
            _ = try channel.tryFlush(workspace)
            return .turn
          }
          if workspace.output.count >= WriteSizes.outputMark, try !channel.tryFlush(workspace) { return .flush }
        case .needsInput:
          guard try channel.tryFlush(workspace) else { return .flush }
          if workspace.decoder.isBetweenRequests { return .end(.idle) }
          guard !channel.turn.isOver, let count = try channel.tryFill(workspace) else { return .fill }
          if count == 0 { return .end(.finished) }
          channel.turn.spend(Turn.systemCall + count)
          // It has come without having been waited for.
          workspace.isOverloaded = false
        case .content, .end:
          // What a handler has left of its request is drained before the next event is asked for.
          break
        }
      }
    } catch {
      return step(after: error, workspace)
    }
  }

  /// The response to the request whose head has just come, if it is refused since there is too much to do.
  @inline(never)
  private func refusalByOverload(_ workspace: Workspace) -> Response? {
    guard let overload = context.overload, overload.refuses(Request(workspace.decoder.parts)) else { return nil }
    if let observers = workspace.observers { workspace.beginTrace(for: observers, isRefused: true) }
    return overload.refusal
  }

  /// Sends the response to a request that is complete, if it has so little content itself that there is no waiting.
  func sendAtOnce(_ response: Response, _ workspace: Workspace) throws -> Bool {
    guard workspace.decoder.isComplete, case .bytes(let bytes) = response.body.storage, bytes.count <= WriteSizes.copied
    else { return false }
    let persists = workspace.decoder.framing.keepAlive && !context.isClosing
    workspace.begin(response.status, response.headers, contentLength: bytes.count, workspace.traits, persists, context)
    _ = try workspace.append(bytes)
    try workspace.encoder.finish(into: &workspace.output)
    return true
  }

  /// Sees to it that the connection is ready for its next request, if that is to come.
  ///
  /// - Returns: `nil` if some of it has come already.
  func settle(_ workspace: Workspace) -> HTTP1Outcome? {
    guard workspace.encoder.persists else {
      // A client that has sent a whole request and nothing beyond has nothing under way that would lead to a reset, unless
      // it counts on a tunnel.
      return workspace.decoder.isComplete && workspace.input.isEmpty && workspace.decoder.method != .connect
        ? .finished : .finishedEarly
    }
    workspace.decoder.beginNext()
    if workspace.input.isEmpty { return .idle }
    // Only waiting for the rest of a head starts its time, and what is there need not be waited for.
    control.begin(.head)
    return nil
  }

  /// Which request of the connection the last is that has begun.
  private var number: UInt32 { UInt32(truncatingIfNeeded: control.requestCount) }

  @inline(never)
  private func step(after error: any Error, _ workspace: Workspace) -> HTTP1Step {
    if let error = error as? WireError { return refuse(HTTPError(error), workspace) }
    // Bytes that do not say yet what the client speaks are in the input, and all others in the decoder.
    let isUndecided = control.requestCount == 0 && !workspace.input.isEmpty
    let isPartial = isUndecided || !workspace.decoder.isBetweenRequests && !workspace.decoder.isComplete
    if control.hasExpired, isPartial, workspace.output.isEmpty {
      return refuse(HTTPError(.requestTimeout), workspace)
    }
    // The connection has broken, and what it was to say with it. Once there is no output, nothing else can tell.
    workspace.noteLost(control.hasExpired ? .timedOut : .clientGone)
    workspace.output.removeAll()
    return .end(.broken)
  }

  /// Answers a request that is wrong. Where the next one would begin, nobody can say.
  private func refuse(_ error: HTTPError, _ workspace: Workspace) -> HTTP1Step {
    control.end(.head)
    let response = workspace.refusal(error, from: origin, number &+ 1, context.errors)
    guard case .bytes(let bytes) = response.body.storage else { return .end(.broken) }
    // As far as it is known; no content follows the head of a response to HEAD, whatever its status.
    let traits = ResponseEncoder.RequestTraits(method: workspace.decoder.method, version: .http1_1)
    workspace.begin(response.status, response.headers, contentLength: bytes.count, traits, false, context)
    if workspace.encoder.sendsContent {
      workspace.output.append(bytes.span)
      if let trace = workspace.trace { trace.sentLength += bytes.count }
    }
    workspace.endTrace()
    return .end(.finishedEarly)
  }
}

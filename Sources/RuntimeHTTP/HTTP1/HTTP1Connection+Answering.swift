import Runtime

/// How requests are answered, and what may have to be waited for meanwhile.
extension HTTP1Connection {
  /// Answers the request whose head has just come. What that makes stays in the output.
  ///
  /// - Returns: as ``settle(_:)``.
  func answer(_ workspace: Workspace) async throws -> HTTP1Outcome? {
    // The handler may take long, and the client may be waiting for what is ready.
    if try !channel.tryFlush(workspace) { try await channel.flush(workspace) }
    let exchange = HTTP1Exchange(channel, workspace, context)
    guard workspace.decoder.isComplete else { return try await answerWithContent(workspace, exchange) }
    let response = try await respond(to: Request(workspace.decoder.parts), exchange)
    guard case .bytes(let bytes) = response.body.storage, bytes.count <= WriteSizes.copied else {
      return try await send(response, workspace, exchange)
    }
    guard exchange.end() else { return abandon(workspace) }
    _ = try sendAtOnce(response, workspace)
    return settle(workspace)
  }

  /// Answers a request that has content, which the handler may read as it comes.
  @inline(never)
  private func answerWithContent(
    _ workspace: Workspace, _ exchange: HTTP1Exchange<Stream>
  ) async throws -> HTTP1Outcome? {
    var length: Int?
    if case .length(let count) = workspace.decoder.framing.body { length = count }
    // The decoder goes on with this request, whose handler may keep what it is given for as long as it likes.
    let parts = workspace.decoder.parts.copy()
    parts.body = RequestBody(exchange, length: length)
    return try await send(try await respond(to: Request(parts), exchange), workspace, exchange)
  }

  /// The response to `request`; an error if the client has gone meanwhile.
  @inline(__always)
  private func respond(to request: Request, _ exchange: HTTP1Exchange<Stream>) async throws -> Response {
    var request = request
    request.exchange = exchange
    control.beginHandling()
    let response = await responder.respond(to: request)
    control.endHandling()
    if control.clientHasGone { throw IOError(.write, .closed) }
    return response
  }

  /// Sends the response to a request whose exchange is still going on.
  @inline(never)
  func send(
    _ response: Response, _ workspace: Workspace, _ exchange: HTTP1Exchange<Stream>
  ) async throws -> HTTP1Outcome? {
    var response = response
    if case .stream(let length, let produce) = response.body.storage {
      let hasContent = ResponseFraming.hasContent(response.status, to: exchange.traits.method)
      exchange.prepare(.init(status: response.status, fields: response.headers, contentLength: length))
      do {
        if hasContent {
          control.beginProducing()
          try await produce(BodyWriter(exchange))
          control.endHandling()
        }
        guard exchange.end() else { return abandon(workspace) }
        exchange.begin()
        try workspace.encoder.finish(into: &workspace.output)
      } catch {
        control.endHandling()
        guard exchange.end() else { return abandon(workspace) }
        if exchange.hasBegun { return await breakOff(error, exchange, workspace) }
        response = responder.failure(error, Request(workspace.decoder.parts))
      }
      if exchange.hasBegun { return try await finish(workspace) }
    } else {
      guard exchange.end() else { return abandon(workspace) }
      if case .takeover(let talk) = response.body.storage {
        do {
          return try await handOver(by: response, talk, workspace)
        } catch  where error is NotOffered || error is HTTPError {
          response = responder.failure(error, Request(workspace.decoder.parts))
        }
      }
    }
    guard case .bytes(let bytes) = response.body.storage else { return .broken }
    // Content that the handler has left may show already that the request is malformed, which goes before its answer.
    var budget = context.limits.drained
    let isRead = try !exchange.isBroken && skip(workspace, upTo: &budget)
    // More than that is read only where it is known to have an end.
    let left = isRead ? 0 : workspace.decoder.remainingLength ?? .max
    let persists = exchange.mayPersist && left <= budget
    workspace.begin(
      response.status, response.headers, contentLength: bytes.count, exchange.traits, persists, context)
    let held = bytes.count > WriteSizes.copied ? bytes.count : 0
    context.memory.adjust(by: held)
    defer { context.memory.adjust(by: -held) }
    try await channel.send(bytes, workspace)
    try workspace.encoder.finish(into: &workspace.output)
    return try await finish(workspace)
  }

  /// Ends a response that cannot be brought to its end: the client must see that it is not whole, so there is no last
  /// chunk, and nothing follows.
  @inline(never)
  private func breakOff(
    _ error: any Error, _ exchange: HTTP1Exchange<Stream>, _ workspace: Workspace
  ) async -> HTTP1Outcome {
    // Where the connection is what has broken, there is no client to tell.
    if exchange.isBroken || Task.isCancelled {
      workspace.trace?.ending = control.hasExpired ? .timedOut : .clientGone
      return .broken
    }
    workspace.trace?.ending = .failed
    responder.noteBreak(of: Request(workspace.decoder.parts), by: error)
    try? await channel.flush(workspace)
    return .broken
  }

  private func abandon(_ workspace: Workspace) -> HTTP1Outcome {
    context.options.log(
      LogEvent(.error, "A body was still in use when its exchange ended; the connection is closed."))
    channel.stream.close()
    return .abandoned
  }

  /// Reads what is left of the request, if the connection is to be used again, and sees to it that it is ready for that.
  private func finish(_ workspace: Workspace) async throws -> HTTP1Outcome? {
    if workspace.encoder.persists, !workspace.decoder.isComplete {
      // The client has been told that it may use the connection again.
      guard try await drain(workspace, upTo: .max) else { return .finishedEarly }
    }
    return settle(workspace)
  }

  /// Reads what the handler has left of the request's content, up to `limit` bytes.
  ///
  /// - Returns: whether the end of it has been reached, and it was well-formed.
  @inline(never)
  func drain(_ workspace: Workspace, upTo limit: Int) async throws -> Bool {
    var budget = limit
    while true {
      do {
        if try skip(workspace, upTo: &budget) { return true }
      } catch is WireError {
        return false
      }
      if budget < 0 { return false }
      try await channel.flush(workspace)
      guard try await channel.fillContent(workspace) else { return false }
    }
  }

  /// Throws away what has come of the request's content, and goes on as long as there is more without waiting. What it
  /// has thrown away it takes from `budget`.
  ///
  /// - Returns: whether the end of the content has been reached.
  private func skip(_ workspace: Workspace, upTo budget: inout Int) throws -> Bool {
    while true {
      switch try workspace.nextEvent() {
      case .end: return true
      case .head: continue
      case .content(let bytes):
        budget -= bytes.count
        if budget < 0 { return false }
      case .needsInput:
        guard !channel.turn.isOver, let count = try channel.tryFill(workspace), count > 0 else { return false }
        channel.turn.spend(Turn.systemCall + count)
      }
    }
  }
}

import Runtime

/// Answers requests whose handlers or responses may have to be waited for.
extension HTTP1Connection {
  /// Answers the request whose head has just been received. The response may stay in the output.
  ///
  /// - Returns: The same as ``prepareForNextRequest(_:)``.
  func handleRequest(_ workspace: Workspace) async throws -> HTTP1Outcome? {
    // The handler may take long, and the client may be waiting for responses that are ready.
    if try !channel.tryFlush(workspace) { try await channel.flush(workspace) }
    let exchange = HTTP1Exchange(channel, workspace, context)
    guard workspace.decoder.isComplete else { return try await handleRequestWithContent(workspace, exchange) }
    let response = try await respond(to: Request(workspace.decoder.parts), exchange)
    guard case .bytes(let bytes) = response.body.storage, bytes.count <= WriteSizes.copied else {
      return try await send(response, workspace, exchange)
    }
    guard exchange.end() else { return closeWithBodyInUse(workspace) }
    _ = try encodeIfSmall(response, workspace)
    return prepareForNextRequest(workspace)
  }

  /// Answers a request with content, which the handler may read as it arrives.
  @inline(never)
  private func handleRequestWithContent(
    _ workspace: Workspace, _ exchange: HTTP1Exchange<Stream>
  ) async throws -> HTTP1Outcome? {
    var length: Int?
    if case .length(let count) = workspace.decoder.framing.body { length = count }
    // The decoder continues to use its parts for this request, while the handler may keep the request for any time.
    let parts = workspace.decoder.parts.copy()
    parts.body = RequestBody(exchange, length: length)
    return try await send(try await respond(to: Request(parts), exchange), workspace, exchange)
  }

  /// Returns the response to `request`. Throws if the client has disconnected meanwhile.
  @inline(__always)
  private func respond(to request: Request, _ exchange: HTTP1Exchange<Stream>) async throws -> Response {
    var request = request
    request.exchange = exchange
    control.beginHandling()
    let response = await responder.respond(to: request)
    control.endHandling()
    if control.clientHasDisconnected { throw IOError(.write, .closed) }
    return response
  }

  /// Sends the response to a request whose exchange has not ended.
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
        guard exchange.end() else { return closeWithBodyInUse(workspace) }
        exchange.encodeHeadIfNeeded()
        try workspace.encoder.finish(into: &workspace.output)
      } catch {
        control.endHandling()
        guard exchange.end() else { return closeWithBodyInUse(workspace) }
        if exchange.hasBegun { return await interruptResponse(error, exchange, workspace) }
        response = responder.failure(error, Request(workspace.decoder.parts))
      }
      if exchange.hasBegun { return try await finish(workspace) }
    } else {
      guard exchange.end() else { return closeWithBodyInUse(workspace) }
      if case .takeover(let operation) = response.body.storage {
        do {
          return try await prepareTakeover(by: response, operation, workspace)
        } catch  where error is NotOffered || error is HTTPError {
          response = responder.failure(error, Request(workspace.decoder.parts))
        }
      }
    }
    guard case .bytes(let bytes) = response.body.storage else { return .broken }
    // Unread content may show that the request is malformed. In that case the client gets the error instead of this
    // response.
    var budget = context.limits.drained
    let isRead = try !exchange.isBroken && discardAvailable(workspace, upTo: &budget)
    // More content is read only if its length is known.
    let left = isRead ? 0 : workspace.decoder.remainingLength ?? .max
    let persists = exchange.mayPersist && left <= budget
    workspace.encodeHead(
      response.status, response.headers, contentLength: bytes.count, exchange.traits, persists, context)
    let held = bytes.count > WriteSizes.copied ? bytes.count : 0
    context.memory.adjust(by: held)
    defer { context.memory.adjust(by: -held) }
    try await channel.send(bytes, workspace)
    try workspace.encoder.finish(into: &workspace.output)
    return try await finish(workspace)
  }

  /// Ends a response that cannot be completed. There is no last chunk and nothing follows, so that the client sees that
  /// the response is incomplete.
  @inline(never)
  private func interruptResponse(
    _ error: any Error, _ exchange: HTTP1Exchange<Stream>, _ workspace: Workspace
  ) async -> HTTP1Outcome {
    // If the connection has failed, the client cannot be told.
    if exchange.isBroken || Task.isCancelled {
      workspace.trace?.ending = control.hasExpired ? .timedOut : .clientGone
      return .broken
    }
    workspace.trace?.ending = .failed
    responder.logInterruption(of: Request(workspace.decoder.parts), by: error)
    try? await channel.flush(workspace)
    return .broken
  }

  /// Closes a connection whose workspace another task is still using after the exchange.
  private func closeWithBodyInUse(_ workspace: Workspace) -> HTTP1Outcome {
    context.options.log(
      LogEvent(.error, "A body was still in use when its exchange ended; the connection is closed."))
    channel.stream.close()
    return .bodyInUse
  }

  /// Reads the rest of the request if the connection persists, and prepares for the next request.
  private func finish(_ workspace: Workspace) async throws -> HTTP1Outcome? {
    if workspace.encoder.persists, !workspace.decoder.isComplete {
      // The client has been told that the connection persists.
      guard try await drain(workspace, upTo: .max) else { return .finishedEarly }
    }
    return prepareForNextRequest(workspace)
  }

  /// Reads the unread content of the request, up to `limit` bytes.
  ///
  /// - Returns: Whether its end was reached and the content was well-formed.
  @inline(never)
  func drain(_ workspace: Workspace, upTo limit: Int) async throws -> Bool {
    var budget = limit
    while true {
      do {
        if try discardAvailable(workspace, upTo: &budget) { return true }
      } catch is WireError {
        return false
      }
      if budget < 0 { return false }
      try await channel.flush(workspace)
      guard try await channel.fillContent(workspace) else { return false }
    }
  }

  /// Discards the available content of the request, as long as there is more without waiting, and subtracts its length
  /// from `budget`.
  ///
  /// - Returns: Whether the end of the content was reached.
  private func discardAvailable(_ workspace: Workspace, upTo budget: inout Int) throws -> Bool {
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

import Runtime

/// What becomes of the connection.
private enum Next {
  /// It goes on.
  case proceed
  /// Nothing has come of another request: it waits without a workspace.
  case idle
  /// It is at its end.
  case finished
  /// As `finished`, and the peer may be sending still: what it sends is read for a while, so that it sees the response
  /// and not a reset (RFC 9112 section 9.6).
  case finishedEarly
  /// It is at its end, and somebody who has no business there any more uses the workspace still.
  case abandoned
  /// It goes on with HTTP/2, from what is in the workspace.
  case http2
}

/// A handler's response that cannot be the last word on a request (RFC 9110 section 15.2).
private struct NotFinal: Error, CustomStringConvertible {
  let status: Status
  var description: String { "the handler's status, \(status.code), is not that of a final response" }
}

/// Serves the requests of one connection by HTTP/1, one after another, in the task that calls ``run()``.
///
/// Swift keeps the memory of a task's deepest frames for as long as the task lives, that is, for idle connections too.
/// So what is rare stays out of line, and its variables out of the frames of what every request goes through.
final class HTTP1Connection<Stream: ByteStream, H: Handler>: Sendable {
  private let channel: HTTP1Channel<Stream>
  private let peer: Peer?
  private let handler: H
  private let context: ConnectionContext
  private let control: ConnectionControl

  init(_ stream: Stream, handler: H, context: ConnectionContext, control: ConnectionControl) {
    channel = HTTP1Channel(stream, control)
    peer = stream.peerAddress.map(Peer.init)
    self.handler = handler
    self.context = context
    self.control = control
  }

  /// Serves requests until the client or the server has had enough, and closes the stream.
  ///
  /// - Parameter mayUpgrade: whether the client may go on with HTTP/2.
  /// - Returns: what HTTP/2 begins with, if it is to have the stream, which is open then.
  func run(mayUpgrade: Bool = false) async -> HTTP2Handover? {
    let handover = await serve(mayUpgrade: mayUpgrade)
    if handover == nil { channel.stream.close() }
    return handover
  }

  private func serve(mayUpgrade: Bool) async -> HTTP2Handover? {
    var isFirst = true
    while true {
      let idle = control.beginIdle(isFirst: isFirst)
      if context.isClosing { return nil }
      do { try await channel.readable() } catch { return nil }
      isFirst = false
      let workspace = context.workspaces.take()
      workspace.mayUpgrade = mayUpgrade
      let next = await serve(workspace, after: idle)
      if case .finishedEarly = next { await linger(workspace) }
      if case .abandoned = next { return nil }
      let handover = workspace.handover.take()
      context.workspaces.giveBack(workspace)
      guard case .idle = next else { return handover }
    }
  }

  /// Serves requests as long as they come without a pause.
  private func serve(_ workspace: Workspace, after idle: ConnectionControl.IdleToken) async -> Next {
    do {
      // `readable` may have returned without need, so that the connection is idle until something has been read.
      guard try await fill(workspace), control.beginHead(after: idle) else { return .finished }
      while true {
        switch try workspace.nextEvent() {
        case .head:
          control.end(.head)
          if workspace.decoder.framing.asksForHTTP2, workspace.upgrade(peer) {
            try await channel.flush(workspace)
            return .http2
          }
          control.beginRequest()
          let next = try await answer(workspace)
          control.endRequest()
          if case .proceed = next, workspace.output.count < WriteSizes.outputMark { continue }
          if try !channel.tryFlush(workspace) { try await channel.flush(workspace) }
          guard case .proceed = next else { return next }
        case .needsInput:
          if try !channel.tryFlush(workspace) { try await channel.flush(workspace) }
          if workspace.decoder.isBetweenRequests { return .idle }
          guard try await fill(workspace) else { return .finished }
        case .content, .end:
          // What a handler has left of its request is drained before the next event is asked for.
          break
        }
      }
    } catch let error as HTTPError {
      return workspace.beginsHTTP2(isFirst: control.requestCount == 0) ? .http2 : await refuse(error, workspace)
    } catch {
      let isPartial = !workspace.decoder.isBetweenRequests && !workspace.decoder.isComplete
      guard control.hasExpired, isPartial, workspace.output.isEmpty else { return .finished }
      return await refuse(HTTPError(.requestTimeout), workspace)
    }
  }

  /// Reads more; see ``HTTP1Channel/fill(_:)``.
  @inline(__always)
  private func fill(_ workspace: Workspace) async throws(IOError) -> Bool {
    if let count = try channel.tryFill(workspace) { return count > 0 }
    return try await channel.fill(workspace)
  }

  // MARK: Answering

  /// Answers the request whose head has just come. What that makes stays in the output.
  @inline(__always)
  private func answer(_ workspace: Workspace) async throws -> Next {
    workspace.decoder.parts.peer = peer
    guard workspace.decoder.isComplete else { return try await answerWithContent(workspace) }
    let response = await respond(to: Request(workspace.decoder.parts), workspace)
    if try sendAtOnce(response, workspace) { return settle(workspace) }
    return try await send(response, workspace, HTTP1Exchange(channel, workspace, context))
  }

  /// Answers a request that has content, which the handler may read as it comes.
  @inline(never)
  private func answerWithContent(_ workspace: Workspace) async throws -> Next {
    // Waiting for the content may take long, and earlier responses should not wait with it.
    if workspace.decoder.remainingLength ?? .max > workspace.input.count { try await channel.flush(workspace) }
    let exchange = HTTP1Exchange(channel, workspace, context)
    var length: Int?
    if case .length(let count) = workspace.decoder.framing.body { length = count }
    // The decoder goes on with this request, whose handler may keep what it is given for as long as it likes.
    let parts = workspace.decoder.parts.copy()
    parts.body = RequestBody(exchange, length: length)
    return try await send(await respond(to: Request(parts), workspace), workspace, exchange)
  }

  /// What the handler answers, or what its error becomes.
  @inline(__always)
  private func respond(to request: Request, _ workspace: Workspace) async -> Response {
    do {
      let response = try await response(to: request)
      return response.status.isFinal ? response : failure(NotFinal(status: response.status), workspace)
    } catch {
      return failure(error, workspace)
    }
  }

  /// A function of its own, so that its caller knows that it is still on its executor when this returns.
  @inline(never)
  private func response(to request: Request) async throws -> Response { try await handler.respond(to: request) }

  /// What is sent for `error`, which is logged unless it was meant for the client.
  @inline(never)
  private func failure(_ error: any Error, _ workspace: Workspace) -> Response {
    if let error = error as? HTTPError, error.status.isFinal { return error.response }
    // A peer that stops halfway, and a server that is out of patience, are no faults of the handler's.
    if error as? BodyError == .disconnected { return HTTPError(.badRequest, "The content is not whole.").response }
    if Task.isCancelled { return HTTPError(.serviceUnavailable).response }
    log(error, workspace)
    return HTTPError(.internalServerError).response
  }

  private func log(_ error: any Error, _ workspace: Workspace) {
    let target = workspace.decoder.parts.target
    // Without the query, which may hold what should not lie about in logs.
    let path = String(decoding: target.bytes[target.path], as: UTF8.self)
    context.options.log("\(workspace.decoder.method) \(path): \(error)")
  }

  // MARK: Sending

  /// Sends the response to a request without content, if it has so little content itself that there is no waiting.
  private func sendAtOnce(_ response: Response, _ workspace: Workspace) throws -> Bool {
    guard case .bytes(let bytes) = response.body.storage, bytes.count <= WriteSizes.copied else { return false }
    let persists = workspace.decoder.framing.keepAlive && !context.isClosing
    workspace.begin(response.status, response.headers, contentLength: bytes.count, workspace.traits, persists, context)
    _ = try workspace.append(bytes)
    try workspace.encoder.finish(into: &workspace.output)
    return true
  }

  /// Sends the response to a request whose exchange is still going on.
  @inline(never)
  private func send(
    _ response: Response, _ workspace: Workspace, _ exchange: HTTP1Exchange<Stream>
  ) async throws -> Next {
    let traits = exchange.traits
    var response = response
    if case .stream(let length, let produce) = response.body.storage {
      let hasContent = traits.method != .head && !response.status.forbidsContent && response.status != .resetContent
      exchange.prepare(.init(status: response.status, fields: response.headers, contentLength: length))
      do {
        if hasContent { try await produce(BodyWriter(exchange)) }
        guard exchange.end() else { return abandon(workspace) }
        exchange.begin()
        try workspace.encoder.finish(into: &workspace.output)
      } catch {
        guard exchange.end() else { return abandon(workspace) }
        if exchange.hasBegun { return await breakOff(error, exchange, workspace) }
        response = failure(error, workspace)
      }
      if exchange.hasBegun { return try await finish(workspace) }
    } else {
      guard exchange.end() else { return abandon(workspace) }
    }
    guard case .bytes(let bytes) = response.body.storage else { return .finished }
    // Content that the handler has left may show already that the request is malformed, which goes before its answer.
    if !exchange.isBroken { _ = try workspace.takeContent() }
    let left = workspace.decoder.remainingLength ?? 0
    let persists = exchange.persists && left <= context.options.maximumDrainedLength
    workspace.begin(
      response.status, response.headers, contentLength: bytes.count, traits, persists, context)
    try await channel.send(bytes, workspace)
    try workspace.encoder.finish(into: &workspace.output)
    return try await finish(workspace)
  }

  /// Ends a response that cannot be brought to its end: the client must see that it is not whole, so there is no last
  /// chunk, and nothing follows.
  @inline(never)
  private func breakOff(
    _ error: any Error, _ exchange: HTTP1Exchange<Stream>, _ workspace: Workspace
  ) async -> Next {
    // Where the connection is what has broken, there is nobody to tell.
    if exchange.isBroken || Task.isCancelled { return .finished }
    log(error, workspace)
    try? await channel.flush(workspace)
    return .finished
  }

  private func abandon(_ workspace: Workspace) -> Next {
    context.options.log("A body was still in use when its exchange ended; the connection is closed.")
    channel.stream.close()
    return .abandoned
  }

  /// Sees to it that the connection is ready for its next request, or says that it is at its end.
  private func finish(_ workspace: Workspace) async throws -> Next {
    if workspace.encoder.persists, !workspace.decoder.isComplete {
      guard try await drain(workspace) else { return .finishedEarly }
    }
    return settle(workspace)
  }

  /// The same where the whole of the request has been decoded, or the connection is not to be used again.
  private func settle(_ workspace: Workspace) -> Next {
    guard workspace.encoder.persists else {
      // A client that has sent a whole request and nothing beyond has nothing under way that would lead to a reset.
      return workspace.decoder.isComplete && workspace.input.isEmpty ? .finished : .finishedEarly
    }
    workspace.decoder.beginNext()
    if workspace.input.isEmpty { return .idle }
    // Only waiting for the rest of a head starts its time, and what is there need not be waited for.
    control.begin(.head)
    return .proceed
  }

  /// Reads what the handler has left of the request's content, to a bound.
  ///
  /// - Returns: whether the end of it has been reached.
  @inline(never)
  private func drain(_ workspace: Workspace) async throws -> Bool {
    var budget = context.options.maximumDrainedLength
    while true {
      switch try? workspace.nextEvent() {
      case .end: return true
      case .head: continue
      case .content(let bytes):
        budget -= bytes.count
        if budget < 0 { return false }
      case .needsInput:
        try await channel.flush(workspace)
        control.begin(.content)
        guard try await channel.fill(workspace) else { return false }
        control.end(.content)
      case nil: return false
      }
    }
  }

  // MARK: Ending

  /// Answers a request that is wrong. Where the next one would begin, nobody can say.
  @inline(never)
  private func refuse(_ error: HTTPError, _ workspace: Workspace) async -> Next {
    control.end(.head)
    let response = error.response
    guard case .bytes(let bytes) = response.body.storage else { return .finished }
    // As far as it is known; no content follows the head of a response to HEAD, whatever its status.
    let traits = ResponseEncoder.RequestTraits(method: workspace.decoder.method, version: .http1_1)
    workspace.begin(response.status, response.headers, contentLength: bytes.count, traits, false, context)
    do {
      try await channel.send(bytes, workspace)
      try await channel.flush(workspace)
      return .finishedEarly
    } catch {
      return .finished
    }
  }

  /// Lets the peer see the end, and reads what it sends until it has seen it, or for as long as the farewell lasts: a
  /// bound in bytes would be reached at once by a peer that sends fast, and what lay unread would make a reset.
  @inline(never)
  private func linger(_ workspace: Workspace) async {
    do {
      try await channel.flush(workspace)
      try channel.stream.shutdownWrite()
      control.begin(.farewell)
      workspace.input.removeAll()
      while try await channel.fill(workspace) { workspace.input.removeAll() }
    } catch {
      // The peer has gone, or has taken too long: there is nobody to be polite to.
    }
  }
}

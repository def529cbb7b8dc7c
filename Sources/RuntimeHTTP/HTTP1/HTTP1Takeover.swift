import Runtime

/// The state that HTTP/1 hands over when another protocol takes over the connection.
struct HTTP1Takeover: Sendable {
  /// The code that speaks the other protocol.
  let operation: @Sendable (AnyStream) async throws -> Void
  /// The request that led to the takeover, without its content.
  let request: Request
  /// The bytes that were read after that request.
  let rest: [UInt8]
}

extension HTTP1Connection {
  /// Sends the head of a response that takes over the connection, and stores the rest in ``Workspace/takeover``.
  ///
  /// - Throws: ``NotOffered``, before anything is sent, if the client has not asked for it; ``HTTPError`` if the
  ///   request has more unread content than the server discards.
  @inline(never)
  func prepareTakeover(
    by response: Response, _ operation: @escaping @Sendable (AnyStream) async throws -> Void, _ workspace: Workspace
  ) async throws -> HTTP1Outcome {
    let request = Request(workspace.decoder.parts).withoutBody
    guard request.allowsTakeover(by: response) else { throw NotOffered() }
    // Content that the handler has not read precedes the other protocol.
    if !workspace.decoder.isComplete, try await !drain(workspace, upTo: context.limits.drained) {
      throw HTTPError(.contentTooLarge)
    }
    var traits = workspace.traits
    traits.endsHTTP = true
    workspace.encodeHead(response.status, response.headers, contentLength: nil, traits, true, context)
    try await channel.flush(workspace)
    workspace.takeover = HTTP1Takeover(operation: operation, request: request, rest: Array(workspace.input.contents))
    return .takenOver
  }

  /// Runs the protocol that the last response has started, then closes the stream.
  ///
  /// Unread input would turn the close into a reset, and the client could lose the last bytes written. So the client
  /// gets time to see the end, as after an early response.
  @inline(never)
  func runTakeover(_ workspace: Workspace) async {
    guard let takeover = workspace.takeover.take() else { return }
    let trace = workspace.trace.take()
    context.workspaces.giveBack(workspace)
    let stream =
      takeover.rest.isEmpty ? AnyStream(channel.stream) : AnyStream(ReplayStream(takeover.rest, channel.stream))
    var hasFailed = false
    do {
      try await takeover.operation(stream)
    } catch {
      hasFailed = true
      trace?.ending = error is IOError ? .clientGone : .failed
      if !(error is IOError), !Task.isCancelled { responder.logInterruption(of: takeover.request, by: error) }
    }
    control.endRequest()
    if let trace { context.observers?.ended(trace) }
    if hasFailed { return channel.stream.close() }
    if context.memory.pressure != .full {
      context.memory.adjust(by: Workspace.heldLength)
      let workspace = context.workspaces.take()
      await linger(workspace)
      context.workspaces.giveBack(workspace)
      context.memory.adjust(by: -Workspace.heldLength)
    }
    await channel.stream.closeAndWait()
  }
}

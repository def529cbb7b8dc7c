import Runtime
import RuntimePrimitives

extension HTTP2Connection {
  /// Runs the handler for the request of stream `id`, and sends its response. Runs in the task of the request.
  ///
  /// - Parameter response: The handler's response, if it has already given one.
  func runHandler(for request: Request, _ slot: Int, _ id: StreamID, _ response: Response?) async {
    var request = request
    // A request with content already has an exchange.
    let exchange = request.exchange as? HTTP2Exchange<Stream, H> ?? HTTP2Exchange(self, slot, id)
    request.exchange = exchange
    let response = if let response { response } else { await responder.respond(to: request) }
    switch response.body.storage {
    case .bytes: finish(slot, with: response)
    case .stream(let length, let produce): await sendStream(request, exchange, response, length, produce)
    case .takeover(let talk): await runTakeover(request, exchange, response, talk)
    }
  }

  /// Sends a response that is in memory, and ends the handler's use of the stream.
  private func finish(_ slot: Int, with response: Response) {
    endHandler(slot) { state in respond(slot, response, &state) }
  }

  /// Like `finish(_:with:)`, for callers that already hold the lock. Returns the continuation to resume.
  func finish(
    _ slot: Int, with response: Response, _ state: inout HTTP2ConnectionState
  ) -> UnsafeContinuation<Void, Never>? {
    respond(slot, response, &state)
    return endHandler(slot, holding: &state)
  }

  private func respond(_ slot: Int, _ response: Response, _ state: inout HTTP2ConnectionState) {
    guard case .bytes(let content) = response.body.storage else { return }
    state.core.setTime(to: secondsSince1970())
    state.core.respond(slot, response.status, response.headers, content: content)
  }

  /// Performs the last operation on the stream in `slot`, and ends the handler's use of it under the same lock, so that
  /// a client that sees the end finds its request counted as answered.
  func endHandler(_ slot: Int, after last: (inout HTTP2ConnectionState) throws -> Void) rethrows {
    let (writer, waiter) = try state.withLock { state throws in
      try last(&state)
      let waiter = endHandler(slot, holding: &state)
      state.updateHeldLength(in: context.memory)
      return (state.writerToWake(), waiter)
    }
    writer?.resume()
    waiter?.resume()
  }

  /// Like `endHandler(_:after:)`, for callers that already hold the lock. Returns the continuation to resume.
  func endHandler(_ slot: Int, holding state: inout HTTP2ConnectionState) -> UnsafeContinuation<Void, Never>? {
    control.endRequest()
    return state.removeHandler(at: slot)
  }

  /// Sends the head of a response that takes over the stream, and runs `talk` to its end.
  @inline(never)
  private func runTakeover(
    _ request: Request, _ exchange: HTTP2Exchange<Stream, H>, _ response: Response,
    _ talk: @Sendable (AnyStream) async throws -> Void
  ) async {
    let slot = exchange.slot
    guard request.allowsTakeover(by: response) else {
      return finish(slot, with: responder.failure(NotOffered(), request))
    }
    let tunnel = HTTP2Tunnel(exchange)
    tunnel.open(response.headers)
    do {
      try await talk(AnyStream(tunnel))
      try? await tunnel.shutdownWrite()
    } catch {
      tunnel.abort()
      if !(error is IOError), !Task.isCancelled { responder.logInterruption(of: request, by: error) }
    }
    endHandler(slot) { _ in }
  }

  /// Sends a streamed response.
  private func sendStream(
    _ request: Request, _ exchange: HTTP2Exchange<Stream, H>, _ response: Response, _ length: Int?,
    _ produce: @Sendable (BodyWriter) async throws -> Void
  ) async {
    let slot = exchange.slot
    exchange.prepare(.init(status: response.status, fields: response.headers, contentLength: length))
    let hasContent = ResponseFraming.hasContent(response.status, to: request.method)
    do {
      if hasContent { try await produce(BodyWriter(exchange)) }
      try exchange.finish()
    } catch {
      guard exchange.hasBegun else { return finish(slot, with: responder.failure(error, request)) }
      // The rest cannot be sent, so the client must see that the response is incomplete.
      if !Task.isCancelled, error as? BodyError != .disconnected { responder.logInterruption(of: request, by: error) }
      endHandler(slot) { state in state.core.resetAfterContent(slot) }
    }
  }
}

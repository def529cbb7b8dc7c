import Runtime
import RuntimePrimitives

extension HTTP2Connection {
  /// Answers the request of stream `id`, in a task of its own.
  ///
  /// - Parameter response: what the handler has answered, if it has.
  func answer(_ request: Request, _ slot: Int, _ id: StreamID, _ response: Response?) async {
    var request = request
    // A request with content has one already.
    let exchange = request.exchange as? HTTP2Exchange<Stream, H> ?? HTTP2Exchange(self, slot, id)
    request.exchange = exchange
    let response = if let response { response } else { await responder.respond(to: request) }
    switch response.body.storage {
    case .bytes: end(slot, response)
    case .stream(let length, let produce): await answer(request, exchange, response, length, produce)
    case .takeover(let talk): await hand(request, exchange, over: response, to: talk)
    }
  }

  /// Sends a response that is in memory, and ends the handler's part.
  private func end(_ slot: Int, _ response: Response) {
    leave(slot) { state in respond(slot, response, &state) }
  }

  /// The same for who has the lock, and gives whom to wake.
  func end(
    _ slot: Int, _ response: Response, _ state: inout HTTP2ConnectionState
  ) -> UnsafeContinuation<Void, Never>? {
    respond(slot, response, &state)
    return leave(slot, &state)
  }

  private func respond(_ slot: Int, _ response: Response, _ state: inout HTTP2ConnectionState) {
    guard case .bytes(let content) = response.body.storage else { return }
    state.core.setTime(to: secondsSince1970())
    state.core.respond(slot, response.status, response.headers, content: content)
  }

  /// Does the last that there is to do for the stream in `slot`, and ends the handler's part with it: a client that sees
  /// the end finds its request counted as answered.
  func leave(_ slot: Int, after last: (inout HTTP2ConnectionState) throws -> Void) rethrows {
    let (writer, waiter) = try state.withLock { state throws in
      try last(&state)
      let waiter = leave(slot, &state)
      state.count(in: context.memory)
      return (state.writerToWake(), waiter)
    }
    writer?.resume()
    waiter?.resume()
  }

  /// Ends the handler's part, for who has the lock, and gives whom to wake.
  func leave(_ slot: Int, _ state: inout HTTP2ConnectionState) -> UnsafeContinuation<Void, Never>? {
    control.endRequest()
    return state.leave(slot)
  }

  /// Sends the head of a response after which `talk` speaks another protocol on the stream, and waits for its end.
  @inline(never)
  private func hand(
    _ request: Request, _ exchange: HTTP2Exchange<Stream, H>, over response: Response,
    to talk: @Sendable (AnyStream) async throws -> Void
  ) async {
    let slot = exchange.slot
    guard request.allowsTakeover(by: response) else { return end(slot, responder.failure(NotOffered(), request)) }
    let tunnel = HTTP2Tunnel(exchange)
    tunnel.open(response.headers)
    do {
      try await talk(AnyStream(tunnel))
      try? await tunnel.shutdownWrite()
    } catch {
      tunnel.abort()
      if !(error is IOError), !Task.isCancelled { responder.noteBreak(of: request, by: error) }
    }
    leave(slot) { _ in }
  }

  /// Sends a response that is a stream.
  private func answer(
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
      guard exchange.hasBegun else { return end(slot, responder.failure(error, request)) }
      // What is left of it cannot be sent: the client must see that it is not whole.
      if !Task.isCancelled, error as? BodyError != .disconnected { responder.noteBreak(of: request, by: error) }
      leave(slot) { state in state.core.breakOff(slot) }
    }
  }
}

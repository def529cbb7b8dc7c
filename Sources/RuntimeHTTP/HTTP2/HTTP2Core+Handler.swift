/// What a stream's handler, and the connection that runs it, ask of the core.
extension HTTP2Core {
  /// A request whose head has come.
  struct Arrival {
    var stream: StreamID
    var request: Request
    /// Whether it has no content that is still to come.
    var isWhole: Bool
  }

  /// What reading a request's content comes to.
  enum Reading {
    case content([UInt8])
    case end(trailers: HeaderFields)
    /// There is nothing yet; ``Event/content(_:)`` follows.
    case wait
  }

  /// Whether stream `id` is still the one in `slot`, and its handler is at it.
  @inline(__always)
  func isLive(_ slot: Int, _ id: StreamID) -> Bool { streams.holds(id, at: slot) && streams[slot].hasHandler }

  /// Whether it is, and the stream has not closed.
  func isOpen(_ slot: Int, _ id: StreamID) -> Bool { isLive(slot, id) && !streams[slot].state.isClosed }

  /// The request that ``Event/request(_:)`` has told of, to be asked for once.
  ///
  /// - Parameter body: makes the content of one that is not whole, from its stream and the length that it declares.
  mutating func takeRequest(
    _ slot: Int, from origin: RequestOrigin, body: (StreamID, _ length: Int?) -> RequestBody
  ) -> Arrival {
    let id = streams[slot].id
    let isWhole = streams[slot].state.peerHasFinished
    let body = isWhole ? nil : body(id, streams[slot].head.contentLength)
    let request = streams[slot].head.makeRequest(body: body, from: origin, id)
    return Arrival(stream: id, request: request, isWhole: isWhole)
  }

  /// What there is of the content of a request whose handler asks for more: it is through with what it took before.
  ///
  /// - Parameter isBusy: whether a task already waits for content of this stream.
  /// - Throws: ``BodyError``, or ``HTTPError`` for a request that is wrong.
  mutating func read(_ slot: Int, _ id: StreamID, isBusy: Bool) throws -> Reading {
    guard isLive(slot, id) else { throw BodyError.ended }
    let state = streams[slot].state
    guard !state.weHaveFinished || streams[slot].isTunnel else {
      throw state.end == .resetByPeer ? BodyError.disconnected : BodyError.ended
    }
    endTaken(slot)
    if let error = streams[slot].readingError { throw HTTPError(error) }
    if state.isClosed { throw BodyError.disconnected }
    if isBusy { throw BodyError.busy }
    if !streams[slot].unread.isEmpty { return .content(takeContent(slot)) }
    if state.peerHasFinished { return .end(trailers: streams[slot].trailers) }
    sendContinueIfExpected(slot)
    awaitContent(slot)
    return .wait
  }

  /// Whether ``read(_:_:isBusy:)`` would not wait.
  func hasNews(_ slot: Int) -> Bool {
    !streams[slot].unread.isEmpty || streams[slot].state.peerHasFinished || streams[slot].readingError != nil
  }

  /// Has the request in `slot` followed by `trace`, which comes back with ``endedTraces``.
  mutating func trace(_ slot: Int, by trace: RequestTrace) { streams[slot].trace = trace }

  /// Whether all of a response has been sent.
  func hasEnd(_ slot: Int) -> Bool { streams[slot].state.weHaveFinished }

  /// How much content of a response has not been sent.
  func unsentCount(of slot: Int) -> Int { streams[slot].unsentCount }

  /// Throws if no more of a response can be written.
  func checkWritable(_ slot: Int, _ id: StreamID) throws(BodyError) {
    guard isLive(slot, id) else { throw .ended }
    guard !streams[slot].state.isClosed else { throw .disconnected }
  }

  /// Throws if what has been written of a response has been written in vain.
  func checkWritten(_ slot: Int, _ id: StreamID) throws(BodyError) {
    guard isLive(slot, id) else { throw .ended }
    guard !streams[slot].state.isClosed || streams[slot].state.weHaveFinished else { throw .disconnected }
  }
}

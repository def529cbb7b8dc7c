/// The functions of the core for a stream's handler and for the connection that runs it.
extension HTTP2Core {
  /// A request whose head has been received.
  struct Arrival {
    var stream: StreamID
    var request: Request
    /// Whether no content is still to come.
    var isWhole: Bool
  }

  /// The result of reading a request's content.
  enum Reading {
    case content([UInt8])
    case end(trailers: HeaderFields)
    /// There is no content yet. ``Event/content(_:)`` will follow.
    case wait
  }

  /// Returns whether `slot` still holds stream `id` and its handler is running.
  @inline(__always)
  func isLive(_ slot: Int, _ id: StreamID) -> Bool { streams.holds(id, at: slot) && streams[slot].hasHandler }

  /// Returns whether the stream is live and has not closed.
  func isOpen(_ slot: Int, _ id: StreamID) -> Bool { isLive(slot, id) && !streams[slot].state.isClosed }

  /// Returns the request that ``Event/request(_:)`` announced. To be called once.
  ///
  /// - Parameter body: Makes the content of an incomplete request, from its stream and its declared length.
  mutating func takeRequest(
    _ slot: Int, from origin: RequestOrigin, body: (StreamID, _ length: Int?) -> RequestBody
  ) -> Arrival {
    let id = streams[slot].id
    let isWhole = streams[slot].state.remoteIsClosed
    let body = isWhole ? nil : body(id, streams[slot].head.contentLength)
    let request = streams[slot].head.makeRequest(body: body, from: origin, id)
    return Arrival(stream: id, request: request, isWhole: isWhole)
  }

  /// Returns the available content of a request. The caller has finished with the content that it read before.
  ///
  /// - Parameter isBusy: Whether a task is already waiting for content of this stream.
  /// - Throws: ``BodyError``, or ``HTTPError`` if the request is invalid.
  mutating func read(_ slot: Int, _ id: StreamID, isBusy: Bool) throws -> Reading {
    guard isLive(slot, id) else { throw BodyError.ended }
    let state = streams[slot].state
    guard !state.localIsClosed || streams[slot].isTunnel else {
      throw state.end == .resetByPeer ? BodyError.disconnected : BodyError.ended
    }
    releaseTakenContent(slot)
    if let error = streams[slot].readingError { throw HTTPError(error) }
    if state.isClosed { throw BodyError.disconnected }
    if isBusy { throw BodyError.busy }
    if !streams[slot].unread.isEmpty { return .content(takeContent(slot)) }
    if state.remoteIsClosed { return .end(trailers: streams[slot].trailers) }
    sendContinueIfExpected(slot)
    startContentDeadline(slot)
    return .wait
  }

  /// Returns whether ``read(_:_:isBusy:)`` would not wait.
  func canReadWithoutWaiting(_ slot: Int) -> Bool {
    !streams[slot].unread.isEmpty || streams[slot].state.remoteIsClosed || streams[slot].readingError != nil
  }

  /// Attaches `trace` to the request in `slot`. It is returned in ``finishedTraces``.
  mutating func trace(_ slot: Int, by trace: RequestTrace) { streams[slot].trace = trace }

  /// Returns whether the whole response has been sent.
  func hasSentEnd(_ slot: Int) -> Bool { streams[slot].state.localIsClosed }

  /// Returns the number of bytes of a response's content that have not been sent.
  func unsentCount(of slot: Int) -> Int { streams[slot].unsentCount }

  /// Throws if no more of a response can be written.
  func checkWritable(_ slot: Int, _ id: StreamID) throws(BodyError) {
    guard isLive(slot, id) else { throw .ended }
    guard !streams[slot].state.isClosed else { throw .disconnected }
  }

  /// Throws if the part of a response that has been written cannot be sent.
  func checkWritten(_ slot: Int, _ id: StreamID) throws(BodyError) {
    guard isLive(slot, id) else { throw .ended }
    guard !streams[slot].state.isClosed || streams[slot].state.localIsClosed else { throw .disconnected }
  }
}

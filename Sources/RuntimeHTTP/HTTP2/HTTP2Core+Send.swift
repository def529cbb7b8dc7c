extension HTTP2Core {
  /// Content up to this size goes into ``output`` at once where it may, without waiting for its turn in the queue.
  private static let smallContent = 16 * 1024
  /// DATA frames of ours are no longer than this, whatever the peer would take: others have to have their turn.
  private static let largestData = 16 * 1024

  /// How long a client that has its response may leave its request unfinished.
  private static let drainTicks: UInt64 = 2

  // MARK: Responses

  /// Tells a client that waits for it to send its content (RFC 9110 section 10.1.1), unless it has, or its response has
  /// begun.
  mutating func sendContinueIfExpected(_ slot: Int) {
    guard streams[slot].head.expectsContinue, !streams[slot].hasContinued else { return }
    streams[slot].hasContinued = true
    guard !streams[slot].hasResponse, streams[slot].receivedLength == 0 else { return }
    appendInformational(slot, .continue, [:])
  }

  /// Sends an informational response, which has the fields of `fields` and no others.
  ///
  /// - Returns: whether to wait until there is less to be written: as long as ``isWaitingForOutput(_:)``.
  /// - Throws: ``BodyError/ended`` if the final response has begun.
  mutating func sendInformational(
    _ slot: Int, _ status: Status, _ fields: HeaderFields
  ) throws(BodyError) -> Bool {
    guard !streams[slot].hasResponse else { throw .ended }
    appendInformational(slot, status, fields)
    // No window limits these, so the handler waits where it would fill the output by itself.
    guard output.count > Self.smallContent else { return false }
    waitingForOutput.append(slot)
    return true
  }

  private mutating func appendInformational(_ slot: Int, _ status: Status, _ fields: HeaderFields) {
    let start = beginBlock()
    encodeInformational(status, fields)
    endBlock(start, streams[slot].id, endsStream: false)
  }

  /// Whether the output has not been taken since the handler in `slot` was told to wait for that.
  func isWaitingForOutput(_ slot: Int) -> Bool { waitingForOutput.contains(slot) }

  /// Sends the head of a response.
  ///
  /// - Parameters:
  ///   - length: how much content there will be, if that is known.
  /// - Returns: whether content follows; if not, the stream may be gone.
  @discardableResult
  mutating func sendHead(_ slot: Int, _ status: Status, _ fields: HeaderFields, length: Int?) -> Bool {
    guard !streams[slot].state.isClosed, !streams[slot].hasResponse else { return false }
    noteResponse(slot)
    let framing = ResponseFraming(
      status, length: length, declared: fields.contentLength, to: streams[slot].head.method)
    streams[slot].sendsContent = framing.hasContent
    streams[slot].promisedLength = framing.hasContent ? framing.length : nil
    let isWhole = !framing.hasContent || framing.length == 0
    appendHead(slot, status, fields, contentLength: framing.length, endsStream: isWhole)
    if isWhole { finish(slot) }
    return !isWhole
  }

  /// Sends the head of a response after which another protocol takes the place of content.
  mutating func openTunnel(_ slot: Int, _ fields: HeaderFields) {
    guard !streams[slot].state.isClosed, !streams[slot].hasResponse else { return }
    noteResponse(slot)
    (streams[slot].sendsContent, streams[slot].isTunnel) = (true, true)
    appendHead(slot, .ok, fields, contentLength: nil, endsStream: false)
  }

  @inline(__always)
  private mutating func noteResponse(_ slot: Int) {
    streams[slot].hasResponse = true
    streams[slot].handoversBefore = handovers
  }

  @inline(__always)
  private mutating func appendHead(
    _ slot: Int, _ status: Status, _ fields: HeaderFields, contentLength: Int?, endsStream: Bool
  ) {
    if let trace = streams[slot].trace { trace.status = status }
    let start = beginBlock()
    let closes = encode(status, fields, contentLength: contentLength)
    endBlock(start, streams[slot].id, endsStream: endsStream)
    // What HTTP/1 says in a field (RFC 9112 section 9.6) is said to the connection itself here.
    if closes { beginShutdown() }
  }

  /// Sends a whole response.
  mutating func respond(_ slot: Int, _ status: Status, _ fields: HeaderFields, content: [UInt8]) {
    guard sendHead(slot, status, fields, length: content.count) else { return }
    streams[slot].promisedLength = nil
    streams[slot].hasLastContent = true
    let stream = streams[slot].id
    let room = min(Self.smallContent, sendWindow.available, streams[slot].sendWindow.available, peer.maximumFrameSize)
    if content.count <= room, sendQueue.isEmpty {
      output.append(FrameHeader(length: content.count, type: .data, flags: .endStream, stream: stream))
      output.append(content.span)
      sendWindow.consume(content.count)
      if let trace = streams[slot].trace { trace.sentLength = content.count }
      floodGuard.noteContentSent(content.count)
      return finish(slot)
    }
    streams[slot].unsent = content
    unsentCount += content.count
    noteProgress(slot)
    schedule(slot)
  }

  /// Answers a request that is wrong, and takes no more of it. The client has that from its budget of failures, since it
  /// costs the client nothing to send another.
  mutating func refuse(_ slot: Int, _ error: WireError) throws(HTTP2Error) {
    streams[slot].isRefused = true
    let error = HTTPError(error)
    let request = traceRefusal(slot, error)
    try floodGuard.spendFailure()
    streams[slot].isDiscarding = true
    respond(slot, error, to: request)
  }

  /// Sends the whole response that `error` becomes.
  private mutating func respond(_ slot: Int, _ error: HTTPError, to request: Request?) {
    let response = origin.errors.response(for: error, request)
    guard case .bytes(let content) = response.body.storage else { return }
    respond(slot, response.status, response.headers, content: content)
  }

  /// Has observers told of a request that no handler sees.
  ///
  /// - Returns: what has come of the request.
  @inline(never) @discardableResult
  mutating func traceRefusal(_ slot: Int, _ error: HTTPError) -> Request? {
    let request = streams[slot].head.partialRequest(from: origin, streams[slot].id)
    guard isObserved else { return request }
    let trace = RequestTrace(request, from: origin, streams[slot].id, isRefused: true)
    trace.note(error)
    streams[slot].trace = trace
    return request
  }

  /// Adds to the content of a response that is a stream.
  ///
  /// - Throws: ``BodyError/wrongLength`` if there is more than was promised.
  mutating func write(_ slot: Int, _ content: [UInt8]) throws(BodyError) {
    guard !streams[slot].state.isClosed, !streams[slot].hasLastContent else { throw .disconnected }
    guard streams[slot].sendsContent, !content.isEmpty else { return }
    if let promised = streams[slot].promisedLength {
      guard content.count <= promised else { throw .wrongLength }
      streams[slot].promisedLength = promised - content.count
    }
    if streams[slot].unsentCount == 0 {
      streams[slot].unsent = content
      streams[slot].sentCount = 0
    } else {
      streams[slot].unsent.append(contentsOf: content)
    }
    unsentCount += content.count
    if streams[slot].sendDeadline == 0 { noteProgress(slot) }
    schedule(slot)
  }

  /// Says that a response which is a stream has all its content, which ``fill(upTo:)`` sends before the end.
  ///
  /// - Throws: ``BodyError/wrongLength`` if there was less than promised; the stream cannot end well then.
  mutating func endContent(_ slot: Int, trailers: HeaderFields?) throws(BodyError) {
    guard !streams[slot].state.isClosed, !streams[slot].state.weHaveFinished else { return }
    if let promised = streams[slot].promisedLength, promised > 0 { throw .wrongLength }
    streams[slot].responseTrailers = trailers
    streams[slot].hasLastContent = true
    if streams[slot].unsentCount == 0 { sendEnd(slot) }
  }

  /// Ends a response that cannot be brought to its end. What has been written of it goes out before the peer is told.
  mutating func breakOff(_ slot: Int) {
    guard !streams[slot].state.isClosed, !streams[slot].state.weHaveFinished else { return }
    if streams[slot].unsentCount == 0 { return reset(slot, .internalError) }
    (streams[slot].hasLastContent, streams[slot].isBrokenOff) = (true, true)
  }

  /// Ends all requests, since there is no more time for them: those without a response get a 503.
  ///
  /// - Returns: the slots of those with a handler.
  mutating func conclude() -> [Int] {
    completeShutdown()
    var concluded: [Int] = []
    for slot in streams.slots where streams[slot].hasHandler && !streams[slot].state.isClosed {
      concluded.append(slot)
      guard !streams[slot].hasResponse else {
        breakOff(slot)
        continue
      }
      respond(slot, HTTPError(.serviceUnavailable), to: nil)
      // What the client still sends is of no use to anything.
      if streams[slot].state.weHaveFinished { reset(slot, .none) }
    }
    return concluded
  }

  // MARK: Content

  /// Puts the stream into the queue if it can send, and is not there.
  mutating func schedule(_ slot: Int) {
    guard streams[slot].canSend, !sendQueue.contains(slot) else { return }
    sendQueue.insert(slot, stream: streams[slot].id, streams[slot].priority)
  }

  /// Moves content into ``output`` until that has `mark` bytes, or the windows are used up.
  ///
  /// - Returns: the slots of streams whose content has all gone out here, and is not the end of it, and of those that
  ///   waited for ``output`` to go.
  @discardableResult
  mutating func fill(upTo mark: Int) -> [Int] {
    drained.removeAll(keepingCapacity: true)
    if !waitingForOutput.isEmpty { swap(&drained, &waitingForOutput) }
    while output.count < mark, sendWindow.available > 0, let slot = sendQueue.first { sendPiece(slot) }
    return drained
  }

  /// Gives what is to be written for an empty buffer.
  ///
  /// - Returns: whether there is anything; it counts as written.
  mutating func takeOutput(_ buffer: inout ByteBuffer) -> Bool {
    if output.isEmpty { return false }
    swap(&output, &buffer)
    noteHandover()
    return true
  }

  /// Notes that ``output`` has been handed to the network.
  mutating func noteHandover() {
    unwrittenEnds = 0
    handovers += 1
  }

  /// Takes back the rest of what was to be written, with the traces of the requests that end with it. They go before what
  /// has come meanwhile.
  mutating func putBack(_ rest: inout ByteBuffer, _ traces: inout [RequestTrace]) {
    if !traces.isEmpty {
      endedTraces.insert(contentsOf: traces, at: 0)
      traces.removeAll()
    }
    if !rest.isEmpty {
      rest.append(output.taken.span)
      output.removeAll()
    }
    if output.isEmpty { swap(&output, &rest) }
  }

  /// Exchanges the memory of ``output``, which is empty, for that of an empty buffer if that is smaller: what a
  /// connection keeps while nothing is to be written is for a few small answers.
  mutating func keepSmaller(_ buffer: inout ByteBuffer) {
    if output.capacity > buffer.capacity { swap(&output, &buffer) }
  }

  private mutating func sendPiece(_ slot: Int) {
    sendQueue.rotate(slot)
    let wanted = min(streams[slot].unsentCount, Self.largestData)
    let count = min(wanted, streams[slot].sendWindow.available, sendWindow.available)
    let isLast = count == streams[slot].unsentCount && streams[slot].hasLastContent
    let isBrokenOff = isLast && streams[slot].isBrokenOff
    let endsStream = isLast && !isBrokenOff && streams[slot].responseTrailers == nil
    output.append(
      FrameHeader(length: count, type: .data, flags: endsStream ? .endStream : [], stream: streams[slot].id))
    let start = streams[slot].sentCount
    output.append(streams[slot].unsent.span.extracting(start..<start + count))
    streams[slot].sentCount += count
    if let trace = streams[slot].trace { trace.sentLength += count }
    unsentCount -= count
    streams[slot].sendWindow.consume(count)
    sendWindow.consume(count)
    noteProgress(slot, count)
    floodGuard.noteContentSent(count, isCut: count < wanted)
    if streams[slot].unsentCount == 0 {
      sendQueue.remove(slot)
      streams[slot].unsent = []
      streams[slot].sentCount = 0
      if !isLast {
        drained.append(slot)
      } else if isBrokenOff {
        reset(slot, .internalError)
      } else if endsStream {
        finish(slot)
      } else {
        sendEnd(slot)
      }
    } else if streams[slot].sendWindow.available <= 0 {
      sendQueue.remove(slot)
    }
  }

  /// Sends what comes after all content: trailers, or an empty frame that says so.
  private mutating func sendEnd(_ slot: Int) {
    let stream = streams[slot].id
    if let trailers = streams[slot].responseTrailers, streams[slot].sendsContent, trailers.hasTrailers {
      let start = beginBlock()
      encodeTrailers(trailers)
      endBlock(start, stream, endsStream: true)
    } else {
      output.append(FrameHeader(length: 0, type: .data, flags: .endStream, stream: stream))
    }
    finish(slot)
  }

  /// The last frame of a response is in ``output``.
  private mutating func finish(_ slot: Int) {
    streams[slot].state.weHaveFinished = true
    unwrittenEnds += 1
    if !streams[slot].isRefused { floodGuard.noteResponse() }
    if streams[slot].isOpenTunnel { return }
    endTrace(slot, .complete)
    if streams[slot].state.peerHasFinished { return close(slot, .finished) }
    beginDraining(slot)
  }

  /// Throws away what the client still sends of a stream that has been answered. One that has too much to send is told
  /// after a while that it need not (section 8.1), and so is one that does not go on.
  ///
  /// Not at once: clients that are in the middle of sending take a reset for a failure, response or no (curl 7.88 does).
  /// And some read nothing before they have sent everything, so that they get windows for what is not too long.
  mutating func beginDraining(_ slot: Int) {
    streams[slot].isDiscarding = true
    let unread = streams[slot].unread.count
    discardUnread(slot)
    streams[slot].contentDeadline = tick + min(pace.patience, Self.drainTicks) + 1
    drain(slot, unread)
  }

  /// Counts content that has been thrown away behind the response, and lets the peer send as much again, unless that is too
  /// much.
  mutating func drain(_ slot: Int, _ length: Int) {
    streams[slot].drainedLength += length
    guard streams[slot].drainedLength + (streams[slot].remainingLength ?? 0) <= limits.drained else { return }
    releaseStream(slot, length)
    streams[slot].contentDeadline = tick + min(pace.patience, Self.drainTicks) + 1
  }

  // MARK: Header blocks

  /// - Returns: where in ``output`` the block's first frame begins, for ``endBlock(_:_:endsStream:)``.
  @inline(__always)
  private mutating func beginBlock() -> Int {
    let start = output.count
    output.append(FrameHeader(length: 0, type: .headers, stream: 0))
    return start
  }

  /// Makes a frame of the block that has been encoded, or several if it is too long for one.
  @inline(__always)
  private mutating func endBlock(_ start: Int, _ stream: StreamID, endsStream: Bool) {
    let length = output.count - start - FrameHeader.size
    guard length <= peer.maximumFrameSize else { return splitBlock(start, stream, endsStream: endsStream) }
    output.replace(
      FrameHeader(
        length: length, type: .headers, flags: endsStream ? [.endHeaders, .endStream] : .endHeaders, stream: stream),
      at: start)
  }

  @inline(never)
  private mutating func splitBlock(_ start: Int, _ stream: StreamID, endsStream: Bool) {
    let block = Array(output.taken[(start + FrameHeader.size)...])
    output.removeLast(output.count - start)
    var position = 0
    while position < block.count {
      let end = min(position + peer.maximumFrameSize, block.count)
      var flags: FrameFlags = end == block.count ? .endHeaders : []
      if position == 0, endsStream { flags.insert(.endStream) }
      output.append(
        FrameHeader(
          length: end - position, type: position == 0 ? .headers : .continuation, flags: flags, stream: stream))
      output.append(block.span.extracting(position..<end))
      position = end
    }
  }

  // MARK: What has been read

  /// Takes the content of a request that has come and has not been taken, and lets the peer send as much again.
  ///
  /// The handler is through with what it took before, since it asks for more.
  mutating func takeContent(_ slot: Int) -> [UInt8] {
    endTaken(slot)
    var content: [UInt8] = []
    swap(&content, &streams[slot].unread)
    streams[slot].contentDeadline = 0
    streams[slot].receivePace.move(content.count, at: tick, pace)
    unreadCount -= content.count
    streams[slot].takenCount = content.count
    takenCount += content.count
    if !streams[slot].state.peerHasFinished, !streams[slot].state.isClosed {
      fitWindows(slot)
      releaseStream(slot, content.count)
    }
    return content
  }

  /// Makes the windows as large as they are worth, or as small as they can be if memory is short.
  private mutating func fitWindows(_ slot: Int) {
    guard pressure == .none else {
      streams[slot].receiveWindow.shrink(to: options.initialStreamWindow)
      receiveWindow.shrink(to: FlowControl.initialWindow)
      return
    }
    // Who reads as fast as the network brings it gets a window as large as the network needs.
    let increment = streams[slot].receiveWindow.grow(to: bandwidth.window)
    if increment > 0 { output.appendWindowUpdate(streams[slot].id, increment: increment) }
    growConnectionWindow(to: options.initialConnectionWindow)
  }

  /// Notes that the handler is through with the content that it has taken.
  mutating func endTaken(_ slot: Int) {
    guard streams[slot].takenCount > 0 else { return }
    takenCount -= streams[slot].takenCount
    streams[slot].takenCount = 0
    giveBackWithheld()
  }

  mutating func discardUnread(_ slot: Int) {
    endTaken(slot)
    let count = streams[slot].unread.count
    guard count > 0 else { return }
    streams[slot].unread = []
    unreadCount -= count
    giveBackWithheld()
  }

  /// Counts what the handler keeps of the content that it has taken.
  mutating func noteCollected(_ slot: Int, _ count: Int) {
    collectedCount += count - streams[slot].collectedCount
    streams[slot].collectedCount = count
  }

  /// Gives back what the connection's window may have of the content that lies here.
  ///
  /// The window is given back before handlers have read the content: streams must not wait for one whose handler does not
  /// read. The streams' own windows limit each of them, and `maximumUnreadLength` limits all of them together: what lies
  /// here and what may still come are no more than that. If memory is short, the window is given back only for what has
  /// been read.
  mutating func giveBackWithheld() {
    let held = unreadCount + takenCount
    let bound = pressure == .none ? options.maximumUnreadLength : 0
    let withheld = min(held, max(0, held + receiveWindow.size - bound))
    guard withheldCount > withheld else { return }
    releaseConnection(withheldCount - withheld)
    withheldCount = withheld
  }

  /// Gives bytes back to a stream's window.
  @inline(__always)
  mutating func releaseStream(_ slot: Int, _ count: Int) {
    guard count > 0 else { return }
    let increment = streams[slot].receiveWindow.release(count)
    if increment > 0 { output.appendWindowUpdate(streams[slot].id, increment: increment) }
  }

  /// Gives bytes back to the connection's window.
  @inline(__always)
  mutating func releaseConnection(_ count: Int) {
    guard count > 0 else { return }
    let increment = receiveWindow.release(count)
    if increment > 0 { output.appendWindowUpdate(0, increment: increment) }
  }

  mutating func growConnectionWindow(to size: Int) {
    let increment = receiveWindow.grow(to: size)
    if increment > 0 { output.appendWindowUpdate(0, increment: increment) }
  }
}

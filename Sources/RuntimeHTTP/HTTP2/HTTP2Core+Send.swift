extension HTTP2Core {
  /// The maximum length of content that is appended to ``output`` without waiting in the queue, if the windows allow
  /// it.
  private static let smallContent = 16 * 1024
  /// The maximum length of our DATA frames, even if the peer accepts longer ones, so that other streams get their turn.
  private static let largestData = 16 * 1024

  /// The number of ticks that a client may take to finish its request after it has its response.
  private static let drainTicks: UInt64 = 2

  // MARK: Responses

  /// Sends a 100 (Continue) if the client waits for it before sending content (RFC 9110 section 10.1.1), unless content
  /// has arrived or the response has begun.
  mutating func sendContinueIfExpected(_ slot: Int) {
    guard streams[slot].head.expectsContinue, !streams[slot].hasContinued else { return }
    streams[slot].hasContinued = true
    guard !streams[slot].hasResponse, streams[slot].receivedLength == 0 else { return }
    appendInformational(slot, .continue, [:])
  }

  /// Sends an informational response with exactly the given fields.
  ///
  /// - Returns: Whether to wait for as long as ``isWaitingForOutput(_:)`` is true, because there is much to write.
  /// - Throws: ``BodyError/ended`` if the final response has begun.
  mutating func sendInformational(
    _ slot: Int, _ status: Status, _ fields: HeaderFields
  ) throws(BodyError) -> Bool {
    guard !streams[slot].hasResponse else { throw .ended }
    appendInformational(slot, status, fields)
    // No window limits informational responses, so the handler waits if they would fill the output.
    guard output.count > Self.smallContent else { return false }
    waitingForOutput.append(slot)
    return true
  }

  private mutating func appendInformational(_ slot: Int, _ status: Status, _ fields: HeaderFields) {
    let start = beginBlock()
    encodeInformational(status, fields)
    endBlock(start, streams[slot].id, endsStream: false)
  }

  /// Returns whether the output has not been taken since the handler in `slot` was told to wait for that.
  func isWaitingForOutput(_ slot: Int) -> Bool { waitingForOutput.contains(slot) }

  /// Sends the head of a response.
  ///
  /// - Parameters:
  ///   - length: The length of the content, if known.
  /// - Returns: Whether content follows. If not, the stream may have been removed.
  @discardableResult
  mutating func sendHead(_ slot: Int, _ status: Status, _ fields: HeaderFields, length: Int?) -> Bool {
    guard !streams[slot].state.isClosed, !streams[slot].hasResponse else { return false }
    noteResponseStart(slot)
    let framing = ResponseFraming(
      status, length: length, declared: fields.contentLength, to: streams[slot].head.method)
    streams[slot].sendsContent = framing.hasContent
    streams[slot].promisedLength = framing.hasContent ? framing.length : nil
    let isWhole = !framing.hasContent || framing.length == 0
    appendHead(slot, status, fields, contentLength: framing.length, endsStream: isWhole)
    if isWhole { noteResponseEnd(slot) }
    return !isWhole
  }

  /// Sends the head of a response after which another protocol replaces content.
  mutating func openTunnel(_ slot: Int, _ fields: HeaderFields) {
    guard !streams[slot].state.isClosed, !streams[slot].hasResponse else { return }
    noteResponseStart(slot)
    (streams[slot].sendsContent, streams[slot].isTunnel) = (true, true)
    appendHead(slot, .ok, fields, contentLength: nil, endsStream: false)
  }

  @inline(__always)
  private mutating func noteResponseStart(_ slot: Int) {
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
    // Closing is requested by a field in HTTP/1 (RFC 9112 section 9.6), but by a frame of the connection in HTTP/2.
    if closes { beginShutdown() }
  }

  /// Sends a complete response.
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
      return noteResponseEnd(slot)
    }
    streams[slot].unsent = content
    unsentCount += content.count
    noteProgress(slot)
    schedule(slot)
  }

  /// Answers an invalid request, and discards the rest of it. This uses up the client's allowance for failures, because
  /// sending another such request costs the client nothing.
  mutating func refuse(_ slot: Int, _ error: WireError) throws(HTTP2Error) {
    streams[slot].isRefused = true
    let error = HTTPError(error)
    let request = traceRefusal(slot, error)
    try floodGuard.spendFailure()
    streams[slot].isDiscarding = true
    respond(slot, error, to: request)
  }

  /// Sends the complete response for `error`.
  private mutating func respond(_ slot: Int, _ error: HTTPError, to request: Request?) {
    let response = origin.errors.response(for: error, request)
    guard case .bytes(let content) = response.body.storage else { return }
    respond(slot, response.status, response.headers, content: content)
  }

  /// Creates the trace of a request that no handler sees, if there are observers.
  ///
  /// - Returns: The request, or as much of it as has been received.
  @inline(never) @discardableResult
  mutating func traceRefusal(_ slot: Int, _ error: HTTPError) -> Request? {
    let request = streams[slot].head.partialRequest(from: origin, streams[slot].id)
    guard isObserved else { return request }
    let trace = RequestTrace(request, from: origin, streams[slot].id, isRefused: true)
    trace.note(error)
    streams[slot].trace = trace
    return request
  }

  /// Adds content to a streamed response.
  ///
  /// - Throws: ``BodyError/wrongLength`` if this exceeds the declared length.
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

  /// Marks the content of a streamed response as complete. ``fill(upTo:)`` sends the rest of it before the end.
  ///
  /// - Throws: ``BodyError/wrongLength`` if there was less content than declared. The stream then has to be reset.
  mutating func endContent(_ slot: Int, trailers: HeaderFields?) throws(BodyError) {
    guard !streams[slot].state.isClosed, !streams[slot].state.localIsClosed else { return }
    if let promised = streams[slot].promisedLength, promised > 0 { throw .wrongLength }
    streams[slot].responseTrailers = trailers
    streams[slot].hasLastContent = true
    if streams[slot].unsentCount == 0 { sendEnd(slot) }
  }

  /// Ends a response that cannot be completed. Content that has been written is sent before the reset.
  mutating func resetAfterContent(_ slot: Int) {
    guard !streams[slot].state.isClosed, !streams[slot].state.localIsClosed else { return }
    if streams[slot].unsentCount == 0 { return reset(slot, .internalError) }
    (streams[slot].hasLastContent, streams[slot].endsWithReset) = (true, true)
  }

  /// Ends all requests, because the grace period is over. Those without a response get a 503.
  ///
  /// - Returns: The slots of the streams with a handler.
  mutating func endRequests() -> [Int] {
    completeShutdown()
    var ended: [Int] = []
    for slot in streams.slots where streams[slot].hasHandler && !streams[slot].state.isClosed {
      ended.append(slot)
      guard !streams[slot].hasResponse else {
        resetAfterContent(slot)
        continue
      }
      respond(slot, HTTPError(.serviceUnavailable), to: nil)
      // The rest of the request is of no use.
      if streams[slot].state.localIsClosed { reset(slot, .none) }
    }
    return ended
  }

  // MARK: Content

  /// Adds the stream to the queue if it can send and is not in the queue.
  mutating func schedule(_ slot: Int) {
    guard streams[slot].canSend, !sendQueue.contains(slot) else { return }
    sendQueue.insert(slot, stream: streams[slot].id, streams[slot].priority)
  }

  /// Moves content into ``output`` until that has `mark` bytes or the windows are used up.
  ///
  /// - Returns: The slots of streams that have no unsent content left and have not ended, and of those that waited
  ///   until ``output`` was taken.
  @discardableResult
  mutating func fill(upTo mark: Int) -> [Int] {
    drained.removeAll(keepingCapacity: true)
    if !waitingForOutput.isEmpty { swap(&drained, &waitingForOutput) }
    while output.count < mark, sendWindow.available > 0, let slot = sendQueue.first { sendPiece(slot) }
    return drained
  }

  /// Exchanges ``output`` for an empty buffer. Its bytes then count as written.
  ///
  /// - Returns: Whether there are any.
  mutating func takeOutput(_ buffer: inout ByteBuffer) -> Bool {
    if output.isEmpty { return false }
    swap(&output, &buffer)
    noteHandover()
    return true
  }

  /// Records that ``output`` has been handed to the network.
  mutating func noteHandover() {
    unwrittenEnds = 0
    handovers += 1
  }

  /// Takes back output that was not written, with the traces of the requests that end with it. It goes before any
  /// output added since then.
  mutating func putBack(_ rest: inout ByteBuffer, _ traces: inout [RequestTrace]) {
    if !traces.isEmpty {
      finishedTraces.insert(contentsOf: traces, at: 0)
      traces.removeAll()
    }
    if !rest.isEmpty {
      rest.append(output.contents.span)
      output.removeAll()
    }
    if output.isEmpty { swap(&output, &rest) }
  }

  /// Exchanges the memory of ``output``, which must be empty, for that of an empty buffer if that is smaller: a
  /// connection with nothing to write keeps memory for only a few small responses, and without streams it keeps none.
  mutating func keepSmaller(_ buffer: inout ByteBuffer) {
    if output.capacity > buffer.capacity { swap(&output, &buffer) }
    if !hasStreams { output = ByteBuffer(capacity: 0) }
  }

  private mutating func sendPiece(_ slot: Int) {
    sendQueue.rotate(slot)
    let wanted = min(streams[slot].unsentCount, Self.largestData)
    let count = min(wanted, streams[slot].sendWindow.available, sendWindow.available)
    let isLast = count == streams[slot].unsentCount && streams[slot].hasLastContent
    let endsWithReset = isLast && streams[slot].endsWithReset
    let endsStream = isLast && !endsWithReset && streams[slot].responseTrailers == nil
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
      } else if endsWithReset {
        reset(slot, .internalError)
      } else if endsStream {
        noteResponseEnd(slot)
      } else {
        sendEnd(slot)
      }
    } else if streams[slot].sendWindow.available <= 0 {
      sendQueue.remove(slot)
    }
  }

  /// Sends the end of a stream after all content: trailers, or an empty DATA frame.
  private mutating func sendEnd(_ slot: Int) {
    let stream = streams[slot].id
    if let trailers = streams[slot].responseTrailers, streams[slot].sendsContent, trailers.hasTrailers {
      let start = beginBlock()
      encodeTrailers(trailers)
      endBlock(start, stream, endsStream: true)
    } else {
      output.append(FrameHeader(length: 0, type: .data, flags: .endStream, stream: stream))
    }
    noteResponseEnd(slot)
  }

  /// Handles the end of a response, whose last frame is in ``output``.
  private mutating func noteResponseEnd(_ slot: Int) {
    streams[slot].state.localIsClosed = true
    unwrittenEnds += 1
    if !streams[slot].isRefused { floodGuard.noteResponse() }
    if streams[slot].isOpenTunnel { return }
    finishTrace(slot, .complete)
    if streams[slot].state.remoteIsClosed { return close(slot, .finished) }
    beginDraining(slot)
  }

  /// Discards what the client still sends on a stream that has been answered. A client that has too much to send, or
  /// stops sending, is told after a while that it need not continue (section 8.1).
  ///
  /// Not immediately, because clients that are still sending treat a reset as a failure even if there is a response
  /// (curl 7.88 does). Some clients read nothing before they have sent everything, so they get window for content that
  /// is not too long.
  mutating func beginDraining(_ slot: Int) {
    streams[slot].isDiscarding = true
    let unread = streams[slot].unread.count
    discardUnread(slot)
    streams[slot].contentDeadline = tick + min(pace.patience, Self.drainTicks) + 1
    drain(slot, unread)
  }

  /// Counts content that was discarded after the response, and returns it to the window, unless the total is too much.
  mutating func drain(_ slot: Int, _ length: Int) {
    streams[slot].drainedLength += length
    guard streams[slot].drainedLength + (streams[slot].remainingLength ?? 0) <= limits.drained else { return }
    returnStreamWindow(slot, length)
    streams[slot].contentDeadline = tick + min(pace.patience, Self.drainTicks) + 1
  }

  // MARK: Header blocks

  /// - Returns: The position in ``output`` of the block's first frame, for ``endBlock(_:_:endsStream:)``.
  @inline(__always)
  private mutating func beginBlock() -> Int {
    let start = output.count
    output.append(FrameHeader(length: 0, type: .headers, stream: 0))
    return start
  }

  /// Completes the frame of the encoded block, or splits the block into several frames if it is too long.
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
    let block = Array(output.contents[(start + FrameHeader.size)...])
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

  // MARK: Received content

  /// Returns the unread content of a request, and returns as much to the window.
  ///
  /// The handler has finished with the content it read before, since it asks for more.
  mutating func takeContent(_ slot: Int) -> [UInt8] {
    releaseTakenContent(slot)
    var content: [UInt8] = []
    swap(&content, &streams[slot].unread)
    streams[slot].contentDeadline = 0
    streams[slot].receivePace.recordProgress(of: content.count, at: tick, pace)
    unreadCount -= content.count
    streams[slot].takenCount = content.count
    takenCount += content.count
    if !streams[slot].state.remoteIsClosed, !streams[slot].state.isClosed {
      fitWindows(slot)
      returnStreamWindow(slot, content.count)
    }
    return content
  }

  /// Adjusts the windows: to the estimated bandwidth or, if memory is short, to their minimum.
  private mutating func fitWindows(_ slot: Int) {
    guard pressure == .none else {
      streams[slot].receiveWindow.shrink(to: options.initialStreamWindow)
      receiveWindow.shrink(to: FlowControl.initialWindow)
      return
    }
    // A handler that reads as fast as the network delivers gets a window as large as the network needs.
    let increment = streams[slot].receiveWindow.grow(to: bandwidth.window)
    if increment > 0 { output.appendWindowUpdate(streams[slot].id, increment: increment) }
    growConnectionWindow(to: options.initialConnectionWindow)
  }

  /// Records that the handler has finished with the content that it read.
  mutating func releaseTakenContent(_ slot: Int) {
    guard streams[slot].takenCount > 0 else { return }
    takenCount -= streams[slot].takenCount
    streams[slot].takenCount = 0
    returnWithheldWindow()
  }

  mutating func discardUnread(_ slot: Int) {
    releaseTakenContent(slot)
    let count = streams[slot].unread.count
    guard count > 0 else { return }
    streams[slot].unread = []
    unreadCount -= count
    returnWithheldWindow()
  }

  /// Sets the number of bytes that the handler keeps of the content that it has read.
  mutating func noteCollected(_ slot: Int, _ count: Int) {
    collectedCount += count - streams[slot].collectedCount
    streams[slot].collectedCount = count
  }

  /// Returns bytes to the connection's window, as far as the unread content allows.
  ///
  /// Bytes are returned before handlers have read them, because streams must not wait for one whose handler does not
  /// read. Each stream is limited by its own window, and all of them together by `maximumUnreadLength`, which bounds
  /// the sum of unread content and window. If memory is short, only what has been read is returned.
  mutating func returnWithheldWindow() {
    let held = unreadCount + takenCount
    let bound = pressure == .none ? options.maximumUnreadLength : 0
    let withheld = min(held, max(0, held + receiveWindow.size - bound))
    guard withheldCount > withheld else { return }
    returnConnectionWindow(withheldCount - withheld)
    withheldCount = withheld
  }

  /// Returns bytes to a stream's window.
  @inline(__always)
  mutating func returnStreamWindow(_ slot: Int, _ count: Int) {
    guard count > 0 else { return }
    let increment = streams[slot].receiveWindow.release(count)
    if increment > 0 { output.appendWindowUpdate(streams[slot].id, increment: increment) }
  }

  /// Returns bytes to the connection's window.
  @inline(__always)
  mutating func returnConnectionWindow(_ count: Int) {
    guard count > 0 else { return }
    let increment = receiveWindow.release(count)
    if increment > 0 { output.appendWindowUpdate(0, increment: increment) }
  }

  mutating func growConnectionWindow(to size: Int) {
    let increment = receiveWindow.grow(to: size)
    if increment > 0 { output.appendWindowUpdate(0, increment: increment) }
  }
}

import Runtime

/// A header block that is being received (RFC 9113 section 4.3).
struct HeaderBlock: Sendable {
  /// What is done with the block. It is decoded in any case, because later blocks depend on it.
  enum Purpose: Sendable {
    case request
    case trailers
    /// The block is ignored.
    case ignored
    /// The stream ends with this error.
    case error(ErrorCode)
    /// The stream is refused without fault of the peer.
    case refused
  }

  var stream: StreamID
  var endsStream: Bool
  var purpose: Purpose
}

extension HTTP2Core {
  /// Returns the next event of the input from `position` on, and moves `position` past the bytes that led to it. After
  /// ``Event/needsInput``, the rest has to be passed again, followed by more input.
  ///
  /// - Parameter now: The time in nanoseconds, for measuring the peer's bandwidth.
  /// - Throws: The error that ends the connection. Its GOAWAY frame is in ``output``.
  mutating func next(_ input: Span<UInt8>, at position: inout Int, now: Int64) throws(HTTP2Error) -> Event {
    while true {
      if workLeft <= 0 { return .pause }
      do throws(HTTP2Error) {
        if let event = try receiveFrame(input, at: &position, now: now) { return event }
      } catch {
        switch error {
        case .stream(let stream, let code):
          if let event = try failStream(stream, code) { return event }
        case .connection(let code, let reason):
          fail(code, reason)
          throw error
        }
      }
    }
  }

  /// Ends a stream because of an error of the peer.
  private mutating func failStream(_ stream: StreamID, _ code: ErrorCode) throws(HTTP2Error) -> Event? {
    do throws(HTTP2Error) {
      // Section 5.1: on an idle stream, any frame except HEADERS and PRIORITY is a connection error.
      if isIdle(stream) { throw .connection(code, "A frame is not allowed for an idle stream.") }
      try floodGuard.spendFailure()
    } catch {
      if case .connection(let code, let reason) = error { fail(code, reason) }
      throw error
    }
    guard let slot = streams.slot(of: stream) else {
      output.appendResetStream(stream, code)
      closedStreams.insert(stream, .resetByUs)
      return nil
    }
    guard !streams[slot].state.isClosed else {
      output.appendResetStream(stream, code)
      return nil
    }
    let hasHandler = streams[slot].hasHandler
    reset(slot, code)
    return hasHandler ? .closed(slot) : nil
  }

  /// - Returns: `nil` if the frame leads to no event.
  private mutating func receiveFrame(
    _ input: Span<UInt8>, at position: inout Int, now: Int64
  ) throws(HTTP2Error) -> Event? {
    if prefaceLength < connectionPreface.utf8CodeUnitCount {
      guard try receivePreface(input, at: &position) else { return .needsInput }
    }
    if block != nil || !hasPeerSettings { try requireExpected(input, at: position) }
    guard let frame = try frames.next(input, at: &position) else { return .needsInput }
    workLeft -= Turn.frame
    switch frame {
    case .data(let stream, let content, let length, let endsStream):
      return try receiveData(stream, input.extracting(content), length: length, endsStream: endsStream, now: now)
    case .headers(let stream, let fragment, let endsStream, let endsHeaders):
      return try receiveHeaders(
        stream, input.extracting(fragment), endsStream: endsStream, endsHeaders: endsHeaders)
    case .continuation(_, let fragment, let endsHeaders):
      return try receiveContinuation(input.extracting(fragment), endsHeaders: endsHeaders)
    case .resetStream(let stream, _): return try receiveReset(stream)
    case .windowUpdate(let stream, let increment): try receiveWindowUpdate(stream, increment)
    case .settings(let payload): try receiveSettings(input, payload)
    case .settingsAcknowledgement:
      try floodGuard.spendOverhead()
      if !settingsAreAcknowledged {
        settingsAreAcknowledged = true
        decoder.setMaximumTableSize(options.headerTableSize)
      }
    case .ping(let data):
      try floodGuard.spendOverhead()
      output.appendPing(data, flags: .acknowledgement)
    case .pingAcknowledgement(let data): try receivePingAcknowledgement(data, now: now)
    case .priorityUpdate(let stream, let value): try receivePriority(stream, Priority(input.extracting(value)))
    case .pushPromise: throw .protocolError("A client sent PUSH_PROMISE.")
    // Section 5.3.2: the priorities of RFC 7540 are parsed and ignored. GOAWAY of a client needs no action: its streams
    // continue.
    case .priority, .goAway, .unknown: try floodGuard.spendOverhead()
    }
    return nil
  }

  /// - Returns: Whether the preface is complete.
  private mutating func receivePreface(_ input: Span<UInt8>, at position: inout Int) throws(HTTP2Error) -> Bool {
    while prefaceLength < connectionPreface.utf8CodeUnitCount {
      guard position < input.count else { return false }
      guard input[position] == connectionPreface.withUTF8Buffer({ $0[prefaceLength] }) else {
        throw .protocolError("The connection does not begin with the preface of HTTP/2.")
      }
      prefaceLength += 1
      position += 1
    }
    return true
  }

  /// Checks the next frame where only one type is allowed, before any other errors in it are reported.
  private func requireExpected(_ input: Span<UInt8>, at position: Int) throws(HTTP2Error) {
    guard input.count - position >= FrameHeader.size else { return }
    let header = FrameHeader(input, at: position)
    if let block {
      guard header.type == .continuation, header.stream == block.stream else {
        throw .protocolError("A header block is interrupted.")
      }
    }
    if !hasPeerSettings {
      guard header.type == .settings, !header.flags.contains(.acknowledgement) else {
        throw .protocolError("The first frame is not SETTINGS.")
      }
    }
  }

  /// Returns whether `stream` is idle, which means that no frame of it can have been sent.
  func isIdle(_ stream: StreamID) -> Bool { !stream.isClientInitiated || stream > lastStream }

  // MARK: Headers

  @inline(__always)
  private mutating func receiveHeaders(
    _ stream: StreamID, _ fragment: Span<UInt8>, endsStream: Bool, endsHeaders: Bool
  ) throws(HTTP2Error) -> Event? {
    let header = HeaderBlock(
      stream: stream, endsStream: endsStream, purpose: try purpose(of: stream, endsStream: endsStream))
    if endsHeaders { return try receive(header, fragment) }
    block = header
    blockBytes.removeAll()
    return try appendFragment(fragment)
  }

  private mutating func receiveContinuation(_ fragment: Span<UInt8>, endsHeaders: Bool) throws(HTTP2Error) -> Event? {
    guard let header = block else { throw .protocolError("A CONTINUATION frame does not follow a header block.") }
    try floodGuard.spendOverhead()
    _ = try appendFragment(fragment)
    guard endsHeaders else { return nil }
    block = nil
    // Moved out, so that it can be read while other state changes.
    var whole = ByteBuffer(capacity: 0)
    swap(&whole, &blockBytes)
    let bytes = whole.contents
    return try receive(header, bytes.span)
  }

  private mutating func appendFragment(_ fragment: Span<UInt8>) throws(HTTP2Error) -> Event? {
    // Twice the limit of a list, so that a list which is slightly too large can be answered with a 431.
    guard blockBytes.count + fragment.count <= 2 * limits.head else {
      throw .connection(.enhanceYourCalm, "A header block is too long.")
    }
    blockBytes.append(fragment)
    return nil
  }

  /// Returns what a HEADERS frame means in the state of its stream (section 5.1).
  @inline(__always)
  private mutating func purpose(
    of stream: StreamID, endsStream: Bool
  ) throws(HTTP2Error) -> HeaderBlock.Purpose {
    if stream > lastStream {
      guard stream.isClientInitiated else { throw .protocolError("A client opened a stream with an even number.") }
      lastStream = stream
      if ending.lastStream != nil {
        // Section 6.8: this stream and all its frames are ignored.
        closedStreams.insert(stream, .resetByUs)
        return .ignored
      }
      if mayOpenMore { return .request }
      return refusalIsNotPeersFault ? .refused : .error(.refusedStream)
    }
    return try purposeInLaterState(of: stream, endsStream: endsStream)
  }

  /// Whether the peer may open another stream.
  private var mayOpenMore: Bool {
    let limit = options.maximumConcurrentStreams
    return streams.count - min(abandonedCount, limit) + unwrittenEnds < limit && mayHoldMore
  }

  /// Whether the peer could not know that another stream would be refused: it may not have received the limit, it has
  /// fewer open streams than the limit, or the server is short of memory.
  private var refusalIsNotPeersFault: Bool {
    !settingsAreAcknowledged || openCount + unwrittenEnds < options.maximumConcurrentStreams || !mayHoldMore
  }

  /// Whether the server has memory for another stream of this connection.
  private var mayHoldMore: Bool {
    switch pressure {
    case .none: true
    case .high: heldLength <= MemoryBudget.share
    case .full: false
    }
  }

  private func purposeInLaterState(
    of stream: StreamID, endsStream: Bool
  ) throws(HTTP2Error) -> HeaderBlock.Purpose {
    if let slot = streams.slot(of: stream), !streams[slot].state.isClosed {
      if streams[slot].state.remoteIsClosed { return .error(.streamClosed) }
      // Section 8.1: HEADERS after content are trailers and must end the stream.
      return endsStream ? .trailers : .error(.protocolError)
    }
    switch closedStreams[stream] {
    case .resetByUs: return .ignored
    case .resetByPeer: return .error(.streamClosed)
    case .finished: throw .connection(.streamClosed, "HEADERS were received for a stream that has ended.")
    case nil: throw .protocolError("A stream has a lower number than an earlier one.")
    }
  }

  /// Processes a complete block.
  @inline(__always)
  private mutating func receive(_ header: HeaderBlock, _ bytes: Span<UInt8>) throws(HTTP2Error) -> Event? {
    guard case .request = header.purpose else { return try receiveOther(header, bytes) }
    let slot = streams.insert(header.stream)
    streams[slot].open(
      header.stream, sendWindow: peer.initialWindowSize, receiveWindow: options.initialStreamWindow)
    streams[slot].firstTick = tick
    streams[slot].head.prepare(with: limits)
    do {
      try decoder.decode(bytes, upTo: longestList, into: &streams[slot].head) { head, name, value, _ in
        head.append(name, value)
      }
    } catch {
      throw Self.connectionError(error)
    }
    workLeft -= streams[slot].head.listSize
    streams[slot].headLength = streams[slot].head.listSize
    headLength += streams[slot].headLength
    streams[slot].state.remoteIsClosed = header.endsStream
    switch streams[slot].head.finish() {
    case .good: break
    case .malformed:
      if isObserved { traceRefusal(slot, HTTPError(.badRequest, "The request is malformed.")) }
      throw .stream(header.stream, .protocolError)
    case .refused(let error):
      try refuse(slot, error)
      return nil
    }
    if let length = streams[slot].head.contentLength {
      if header.endsStream, length > 0 { throw .stream(header.stream, .protocolError) }
      streams[slot].remainingLength = length
    }
    if let priority = earlyPriority(of: header.stream) ?? streams[slot].head.priority {
      streams[slot].priority = priority
    }
    streams[slot].hasHandler = true
    return .request(slot)
  }

  private mutating func receiveOther(_ header: HeaderBlock, _ bytes: Span<UInt8>) throws(HTTP2Error) -> Event? {
    var trailers = RequestHead()
    var size = 0
    do {
      if case .trailers = header.purpose {
        trailers.prepare(with: limits, isTrailers: true)
        try decoder.decode(bytes, upTo: longestList, into: &trailers) { head, name, value, _ in
          head.append(name, value)
        }
      } else {
        // The lines are only decoded for the sake of the table.
        try decoder.decode(bytes, upTo: longestList, into: &size) { size, name, value, _ in
          size += name.count + value.count
        }
      }
    } catch {
      throw Self.connectionError(error)
    }
    workLeft -= size + trailers.listSize
    switch header.purpose {
    case .request: return nil
    case .ignored:
      try floodGuard.spendOverhead()
      return nil
    case .error(let code): throw .stream(header.stream, code)
    case .refused:
      try floodGuard.spendOverhead()
      output.appendResetStream(header.stream, .refusedStream)
      if settingsAreAcknowledged {
        closedStreams.insert(header.stream, .resetByUs)
      } else {
        closedStreams.insertEarlyRefusal(header.stream)
      }
      return nil
    case .trailers:
      // We may have ended the stream since the first fragment was received.
      guard let slot = streams.slot(of: header.stream), !streams[slot].state.isClosed else { return nil }
      switch trailers.finish() {
      case .malformed: throw .stream(header.stream, .protocolError)
      case .refused(let error): try refuseContent(slot, error)
      case .good: streams[slot].trailers = trailers.fields
      }
      return try receiveEnd(slot)
    }
  }

  /// The longest list of lines that is decoded to its end. A list longer than `limits.head` gets a 431, but its lines
  /// have to be decoded for the table, though they are not kept. A block has at most twice that limit, and Huffman
  /// decoding lengthens it by at most 8/5. A list longer than this consists of references to long lines.
  private var longestList: Int { 4 * limits.head }

  private static func connectionError(_ error: HPACKError) -> HTTP2Error {
    .connection(error == .listTooLong ? .enhanceYourCalm : .compressionError, error.reason)
  }

  // MARK: Content

  @inline(__always)
  private mutating func receiveData(
    _ stream: StreamID, _ content: Span<UInt8>, length: Int, endsStream: Bool, now: Int64
  ) throws(HTTP2Error) -> Event? {
    if isIdle(stream) { throw .protocolError("DATA was received for a stream that is not open.") }
    guard receiveWindow.receive(length) else {
      throw .connection(.flowControlError, "More content was received than the connection's window allows.")
    }
    guard let slot = streams.slot(of: stream), !streams[slot].state.isClosed else {
      return try receiveLateData(stream, length)
    }
    guard !streams[slot].state.remoteIsClosed else {
      returnConnectionWindow(length)
      throw .stream(stream, .streamClosed)
    }
    if content.isEmpty, !endsStream { try floodGuard.spendOverhead() }
    let isDiscarded = streams[slot].isDiscarding || streams[slot].readingError != nil
    // Padding needs no reader, so it is returned to the window immediately.
    let released = isDiscarded ? length : length - content.count
    returnConnectionWindow(released)
    guard streams[slot].receiveWindow.receive(length), try countContent(content.count, slot) else {
      returnConnectionWindow(length - released)
      throw .stream(stream, streams[slot].receiveWindow.available < 0 ? .flowControlError : .protocolError)
    }
    if !endsStream {
      if !streams[slot].state.localIsClosed {
        returnStreamWindow(slot, released)
      } else if streams[slot].isDiscarding {
        drain(slot, length)
      }
    }
    if !isDiscarded, !content.isEmpty { storeUnread(content, slot) }
    floodGuard.noteContentReceived(content.count)
    if length > 0, bandwidth.receive(length, now: now) { output.appendPing(PingData.bandwidth) }
    if endsStream { return try receiveEnd(slot) }
    return isDiscarded ? nil : .content(slot)
  }

  /// Counts content against the declared length (section 8.1.1) and our limit.
  ///
  /// - Returns: Whether the content does not exceed the declared length.
  private mutating func countContent(_ count: Int, _ slot: Int) throws(HTTP2Error) -> Bool {
    streams[slot].receivedLength += count
    if streams[slot].receivedLength > limits.body { try refuseContent(slot, WireError(.contentTooLarge)) }
    guard let remaining = streams[slot].remainingLength else { return true }
    streams[slot].remainingLength = remaining - count
    return remaining >= count
  }

  /// Makes the handler's next read fail with `error`, instead of returning the rest of the content.
  private mutating func refuseContent(_ slot: Int, _ error: WireError) throws(HTTP2Error) {
    guard streams[slot].readingError == nil else { return }
    streams[slot].readingError = error
    streams[slot].isRefused = true
    try floodGuard.spendFailure()
  }

  private mutating func storeUnread(_ content: Span<UInt8>, _ slot: Int) {
    streams[slot].unread.append(copying: content)
    unreadCount += content.count
    withheldCount += content.count
    returnWithheldWindow()
  }

  /// Discards content for a closed stream, and returns it to the connection's window.
  private mutating func receiveLateData(_ stream: StreamID, _ length: Int) throws(HTTP2Error) -> Event? {
    returnConnectionWindow(length)
    switch closedStreams[stream] {
    // The content was in flight when we ended the stream.
    case .resetByUs: return nil
    case .resetByPeer: throw .stream(stream, .streamClosed)
    case .finished, nil: throw .connection(.streamClosed, "DATA was received for a stream that has ended.")
    }
  }

  /// Handles the end of a request.
  private mutating func receiveEnd(_ slot: Int) throws(HTTP2Error) -> Event? {
    if let remaining = streams[slot].remainingLength, remaining > 0 {
      throw .stream(streams[slot].id, .protocolError)
    }
    streams[slot].state.remoteIsClosed = true
    let isExpected = streams[slot].hasHandler
    if streams[slot].state.localIsClosed, !streams[slot].isOpenTunnel { close(slot, .finished) }
    return isExpected ? .content(slot) : nil
  }
}

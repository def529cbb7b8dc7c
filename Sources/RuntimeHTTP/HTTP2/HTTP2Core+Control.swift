/// Frames without content: their effects on streams, windows, settings and priorities.
extension HTTP2Core {
  mutating func receiveReset(_ stream: StreamID) throws(HTTP2Error) -> Event? {
    if isIdle(stream) { throw .protocolError("RST_STREAM was received for a stream that is not open.") }
    guard let slot = streams.slot(of: stream), !streams[slot].state.isClosed else {
      try floodGuard.spendOverhead()
      return nil
    }
    let hasHandler = streams[slot].hasHandler
    if streams[slot].isRefused {
      // The failure has already been counted.
    } else if !hasBeenAnswered(slot) {
      try floodGuard.spendReset(afterTicks: tick - streams[slot].firstTick)
    } else if !streams[slot].state.localIsClosed {
      // This is how event streams normally end.
      floodGuard.noteResponse()
      if hasHandler {
        streams[slot].isAbandoned = true
        abandonedCount += 1
      }
    }
    close(slot, .resetByPeer)
    return hasHandler ? .closed(slot) : nil
  }

  /// Returns whether the peer has been sent part of the response. Bytes still in ``output`` do not count, otherwise a
  /// peer that does not read could start any number of responses.
  private func hasBeenAnswered(_ slot: Int) -> Bool {
    streams[slot].hasResponse && streams[slot].handoversBefore < handovers
  }

  mutating func receiveWindowUpdate(_ stream: StreamID, _ increment: Int) throws(HTTP2Error) {
    try floodGuard.spendUpdate()
    guard stream != 0 else {
      guard sendWindow.open(by: increment) else {
        throw .connection(.flowControlError, "The connection's window exceeds the largest window.")
      }
      return
    }
    if isIdle(stream) { throw .protocolError("WINDOW_UPDATE was received for a stream that is not open.") }
    guard let slot = streams.slot(of: stream), !streams[slot].state.isClosed else { return }
    guard increment > 0 else { throw .stream(stream, .protocolError) }
    guard streams[slot].sendWindow.open(by: increment) else { throw .stream(stream, .flowControlError) }
    schedule(slot)
  }

  mutating func receiveSettings(_ input: Span<UInt8>, _ payload: Range<Int>) throws(HTTP2Error) {
    if hasPeerSettings { try floodGuard.spendOverhead() }
    hasPeerSettings = true
    try apply(input, payload)
    output.appendSettingsAcknowledgement()
  }

  /// Applies the settings in `payload` all at once; intermediate values of a setting have no effect.
  mutating func apply(_ input: Span<UInt8>, _ payload: Range<Int>) throws(HTTP2Error) {
    let before = peer
    var smallestTable = peer.headerTableSize
    for start in stride(from: payload.lowerBound, to: payload.upperBound, by: Settings.entrySize) {
      try peer.apply(Settings.entry(input, at: start))
      smallestTable = min(smallestTable, peer.headerTableSize)
    }
    if smallestTable < before.headerTableSize { encoder.setMaximumTableSize(smallestTable) }
    if peer.headerTableSize != before.headerTableSize { encoder.setMaximumTableSize(peer.headerTableSize) }
    let difference = peer.initialWindowSize - before.initialWindowSize
    guard difference != 0 else { return }
    // Section 6.9.2: the windows of open streams change by the same amount.
    for slot in streams.slots where streams[slot].id != 0 && !streams[slot].state.isClosed {
      guard streams[slot].sendWindow.open(by: difference) else {
        throw .connection(.flowControlError, "A setting makes a window exceed the largest window.")
      }
      if streams[slot].canSend { schedule(slot) } else { sendQueue.remove(slot) }
    }
  }

  mutating func receivePingAcknowledgement(_ data: UInt64, now: Int64) throws(HTTP2Error) {
    switch data {
    case PingData.bandwidth where bandwidth.isMeasuring:
      if bandwidth.acknowledge(now: now), pressure == .none { growConnectionWindow(to: bandwidth.window) }
    case PingData.keepAlive where !keepAliveIsAcknowledged: keepAliveIsAcknowledged = true
    case PingData.shutdown where ending == .announced: completeShutdown()
    // We have not sent a PING with this payload, or it has been acknowledged.
    default: try floodGuard.spendOverhead()
    }
  }

  /// Handles a PRIORITY_UPDATE frame (RFC 9218 section 7.1), which may come before its stream.
  mutating func receivePriority(_ stream: StreamID, _ priority: Priority) throws(HTTP2Error) {
    try floodGuard.spendOverhead()
    guard stream.isClientInitiated else { throw .protocolError("A PRIORITY_UPDATE frame names a pushed stream.") }
    if stream > lastStream {
      // Streams that have been opened since then have removed theirs, unless they were malformed or refused.
      earlyPriorities.removeAll { $0.stream == stream || $0.stream <= lastStream }
      guard openCount + earlyPriorities.count < options.maximumConcurrentStreams else {
        throw .protocolError("Too many streams are open or prioritised.")
      }
      earlyPriorities.append((stream, priority))
    } else if let slot = streams.slot(of: stream), !streams[slot].state.isClosed {
      streams[slot].priority = priority
      guard sendQueue.contains(slot) else { return }
      sendQueue.remove(slot)
      schedule(slot)
    }
  }

  /// The number of open streams, regardless of their handlers.
  var openCount: Int { streams.slots.count { streams[$0].id != 0 && !streams[$0].state.isClosed } }

  @inline(__always)
  mutating func earlyPriority(of stream: StreamID) -> Priority? {
    if earlyPriorities.isEmpty { return nil }
    defer { earlyPriorities.removeAll { $0.stream <= stream } }
    return earlyPriorities.first { $0.stream == stream }?.priority
  }
}

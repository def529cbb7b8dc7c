/// The server's end of an HTTP/2 connection (RFC 9113), without input or output: bytes go in and events come out; calls
/// go in and bytes come out.
///
/// Received bytes go through ``next(_:at:now:)``, which is in `HTTP2Core+Receive.swift`. Bytes to send gather in
/// ``output``; after a call of ``fill(upTo:)``, the driver exchanges that for an empty buffer by ``takeOutput(_:)``,
/// which is in `HTTP2Core+Send.swift`. Until then, content waits with its stream, so that the choice of which stream
/// sends next is made as late as possible.
///
/// Drivers use events and functions and never access streams; the functions for handlers are in
/// `HTTP2Core+Handler.swift`. The state is not private because the extensions of this type are in separate files.
///
/// A stream is identified by its slot from ``Event/request(_:)`` until its handler has ended (``endHandler(_:)``).
struct HTTP2Core: ~Copyable {
  enum Event: Equatable {
    /// All input but an incomplete frame has been used, and more is needed.
    case needsInput
    /// ``workLeft`` is used up: other tasks should run before the rest of the input is processed.
    case pause
    /// The head of a request has been received. A handler has to answer it.
    case request(Int)
    /// Content of a request, its end, or an error for its reader has been received.
    case content(Int)
    /// A stream with a handler has closed early, because the peer reset it or violated the protocol.
    case closed(Int)
  }

  /// The state of the connection's shutdown (section 6.8).
  enum Ending: Equatable {
    case none
    /// The peer has been told to open no more streams; those in flight are still answered.
    case announced
    /// The peer has been told which stream is the last.
    case final(StreamID)

    /// The last stream that is answered, if that has been decided.
    var lastStream: StreamID? { if case .final(let stream) = self { stream } else { nil } }
  }

  /// The payloads of the PINGs that we send.
  enum PingData {
    static let bandwidth: UInt64 = 0x6265_6E64_7769_6474
    static let keepAlive: UInt64 = 0x7374_696C_6C75_7020
    static let shutdown: UInt64 = 0x6C61_7374_6361_6C6C
  }

  let options: HTTP2Options
  /// The minimum rate at which the peer must send or receive while the server waits for it.
  let pace: Pace.Rule
  /// The number of ticks in which the peer has to answer the PING of a shutdown.
  let closeTicks: UInt64
  let limits: MessageLimits
  let serverName: [UInt8]

  // MARK: Receiving

  var frames = FrameDecoder()
  /// The work that may be done before ``next(_:at:now:)`` returns ``Event/pause``, in the units of ``Turn``. Frames
  /// cost more than their bytes, and a header block may decode to more bytes than it has.
  var workLeft = Int.max
  var decoder: HPACKDecoder
  /// The number of bytes of the preface received so far.
  var prefaceLength = 0
  /// The header block whose fragments are being received; no other frames may come between them (section 4.3).
  var block: HeaderBlock?
  var blockBytes = ByteBuffer(capacity: 0)
  var hasPeerSettings = false
  /// The highest stream that the peer has opened.
  var lastStream: StreamID = 0
  var streams = StreamTable()
  var closedStreams = ClosedStreams()
  var earlyPriorities: [(stream: StreamID, priority: Priority)] = []
  var receiveWindow: ReceiveWindow
  /// The number of bytes of content, over all streams, that no handler has read.
  var unreadCount = 0
  /// The totals of what else streams hold, in bytes.
  var takenCount = 0
  var collectedCount = 0
  var headLength = 0
  var unsentCount = 0
  /// The memory pressure of the server when it was last checked.
  private(set) var pressure = MemoryBudget.Pressure.none
  /// The number of bytes that have not been returned to the connection's window because too much was unread.
  var withheldCount = 0
  var bandwidth: BandwidthEstimate
  var floodGuard: FloodGuard
  /// Whether the peer has acknowledged our settings (section 6.5.3).
  var settingsAreAcknowledged = false
  /// Whether the peer has acknowledged the last keep-alive PING.
  var keepAliveIsAcknowledged = true

  // MARK: Sending

  var peer = PeerSettings()
  var encoder: HPACKEncoder
  var repeatedHead = RepeatedHead()
  var sendWindow = SendWindow(FlowControl.initialWindow)
  var sendQueue = SendQueue()
  /// The bytes to write next.
  var output = ByteBuffer(capacity: 0)
  /// The number of streams that have ended in ``output``. They count as open until it is written, so that a peer which
  /// does not read cannot accumulate responses.
  var unwrittenEnds = 0
  /// The number of times that ``output`` has been handed to the network.
  var handovers = 0
  /// The number of streams that the peer has cancelled after it was sent part of the response, and whose handlers have
  /// not ended.
  var abandonedCount = 0
  /// The last result of ``fill(upTo:)``, kept to reuse its memory.
  var drained: [Int] = []
  /// The slots of streams that wait until ``output`` has been taken.
  var waitingForOutput: [Int] = []
  var date = DateCache()
  /// Whether there are observers, which are also notified of requests that the core refuses.
  let isObserved: Bool
  /// The origin of the requests.
  let origin: RequestOrigin
  /// The traces of requests that have ended and have not been taken. The last bytes of each, if any, are in ``output``.
  var finishedTraces: [RequestTrace] = []
  private(set) var ending = Ending.none
  /// The tick at which an announced shutdown stops waiting for its PING and is completed; 0 at other times.
  private var shutdownPingDeadline: UInt64 = 0
  /// The tick in progress.
  private(set) var tick: UInt64
  private(set) var hasFailed = false

  init(
    _ options: HTTP2Options, limits: MessageLimits, serverName: [UInt8],
    pace: Pace.Rule = Pace.Rule(length: 16 * 1024, patience: 30), closeTicks: UInt64 = 2,
    tick: UInt64 = 0, tickLength: Duration = .seconds(1), from origin: RequestOrigin = RequestOrigin(nil),
    isObserved: Bool = false
  ) {
    self.tick = tick
    floodGuard = FloodGuard(options, tickLength: tickLength)
    self.origin = origin
    self.isObserved = isObserved
    self.options = options
    self.pace = pace
    self.closeTicks = closeTicks
    self.limits = limits
    self.serverName = serverName
    decoder = HPACKDecoder()
    encoder = HPACKEncoder(maximumTableSize: options.headerTableSize)
    receiveWindow = ReceiveWindow(FlowControl.initialWindow)
    bandwidth = BandwidthEstimate(window: options.initialStreamWindow, bound: options.maximumStreamWindow)
  }

  /// Sends the preface of a server (section 3.4), which is its settings. Enlarges the connection's window unless memory
  /// is short.
  mutating func sendPreface(under pressure: MemoryBudget.Pressure = .none) {
    self.pressure = pressure
    output.reserve(128)
    output.appendSettings([
      .init(name: .headerTableSize, value: UInt32(clamping: options.headerTableSize)),
      .init(name: .maximumConcurrentStreams, value: UInt32(clamping: options.maximumConcurrentStreams)),
      .init(name: .initialWindowSize, value: UInt32(clamping: options.initialStreamWindow)),
      .init(name: .maximumHeaderListSize, value: UInt32(clamping: limits.head)),
      .init(name: .enableConnectProtocol, value: 1),
      .init(name: .noRFC7540Priorities, value: 1),
    ])
    if pressure == .none { growConnectionWindow(to: options.initialConnectionWindow) }
  }

  /// The number of bytes held for the client.
  var heldLength: Int {
    streams.count * HTTP2Stream.heldLength + headLength + unreadCount + takenCount + collectedCount + unsentCount
      + blockBytes.count + output.count
  }

  /// Sets the memory pressure of the server.
  mutating func setPressure(_ pressure: MemoryBudget.Pressure) { self.pressure = pressure }

  /// Prepares to process as much input as `work` allows, until ``Event/pause``.
  ///
  /// - Parameter second: The time, in seconds since the beginning of 1970.
  mutating func beginTurn(work: Int, second: Int, under pressure: MemoryBudget.Pressure) {
    self.pressure = pressure
    workLeft = work
    // Room for what the core itself may answer, allocated once instead of step by step.
    output.reserve(HTTP2Buffer.leastOutput)
    setTime(to: second)
  }

  /// Sets the time for the dates of responses, in seconds since the beginning of 1970.
  mutating func setTime(to second: Int) {
    if date.update(to: second) { repeatedHead = RepeatedHead() }
  }

  /// Opens stream 1 for an HTTP/1 request that asked to switch to HTTP/2 (RFC 7540 section 3.2).
  ///
  /// - Parameter settings: The payload of a SETTINGS frame, from the request's `HTTP2-Settings` field.
  /// - Returns: The stream's slot.
  mutating func adopt(_ method: Method, settings: [UInt8]) throws(HTTP2Error) -> Int {
    try apply(settings.span, 0..<settings.count)
    lastStream = 1
    let slot = streams.insert(1)
    streams[slot].open(1, sendWindow: peer.initialWindowSize, receiveWindow: options.initialStreamWindow)
    streams[slot].firstTick = tick
    streams[slot].head.adopt(method)
    streams[slot].state.remoteIsClosed = true
    streams[slot].hasHandler = true
    return slot
  }

  /// Whether any stream is open or has a running handler.
  var hasStreams: Bool { streams.count > 0 }

  /// Whether a header block has begun and is incomplete.
  var isWithinBlock: Bool { block != nil }

  /// Whether the peer still has to acknowledge our settings.
  var awaitsSettingsAcknowledgement: Bool { hasPeerSettings && !settingsAreAcknowledged }

  /// Whether nothing remains to be done except writing ``output``.
  var isFinished: Bool {
    hasFailed || ending.lastStream != nil && streams.count == 0 && block == nil
  }

  /// Whether there is something for the writer to do.
  var hasOutput: Bool {
    !output.isEmpty || !sendQueue.isEmpty && sendWindow.available > 0 || !finishedTraces.isEmpty
  }

  // MARK: The end of a connection

  /// Begins a graceful shutdown: tells the peer to open no more streams, and sends a PING to learn when it has read
  /// this (section 6.8). ``completeShutdown()`` follows on the acknowledgement, or after a time that suffices for any
  /// round trip.
  mutating func beginShutdown() {
    guard ending == .none, !hasFailed else { return }
    ending = .announced
    shutdownPingDeadline = tick + closeTicks + 1
    output.appendGoAway(lastStream: StreamID.largest, .none)
    output.appendPing(PingData.shutdown)
  }

  /// Tells the peer which stream is the last. Streams that it opens after this are ignored.
  mutating func completeShutdown() {
    guard ending.lastStream == nil, !hasFailed else { return }
    ending = .final(lastStream)
    shutdownPingDeadline = 0
    output.appendGoAway(lastStream: lastStream, .none)
  }

  /// Ends the connection because of an error of the peer or the server. Nothing is sent after the GOAWAY frame (section
  /// 5.4.1): clients abandon the connection then, and would treat the rest of a response as another error.
  mutating func fail(_ code: ErrorCode, _ reason: StaticString) {
    guard !hasFailed else { return }
    hasFailed = true
    for slot in streams.slots where streams[slot].id != 0 && !streams[slot].state.isClosed { close(slot, .resetByUs) }
    output.appendGoAway(lastStream: ending.lastStream ?? lastStream, code, debug: reason)
  }

  /// Sends a PING to check that the peer is alive, unless one is unanswered.
  mutating func sendKeepAlive() {
    guard keepAliveIsAcknowledged else { return }
    keepAliveIsAcknowledged = false
    output.appendPing(PingData.keepAlive)
  }

  // MARK: The end of a stream

  /// Ends a stream immediately and tells the peer why (section 5.4.2).
  mutating func reset(_ slot: Int, _ code: ErrorCode) {
    guard !streams[slot].state.isClosed else { return }
    output.appendResetStream(streams[slot].id, code)
    finishTrace(slot, code == .cancel ? .timedOut : .failed)
    close(slot, .resetByUs)
  }

  /// Closes all streams, because the peer has disconnected.
  ///
  /// - Returns: The slots of the streams with a handler.
  mutating func closeAll() -> [Int] {
    var abandoned: [Int] = []
    for slot in streams.slots where streams[slot].id != 0 {
      if streams[slot].hasHandler { abandoned.append(slot) }
      if !streams[slot].state.isClosed { close(slot, .resetByPeer) }
    }
    return abandoned
  }

  /// Closes a stream. Its slot is freed when its handler has ended.
  mutating func close(_ slot: Int, _ end: ClosedStreams.End) {
    streams[slot].state.end = end
    finishTrace(slot, end.ofRequest)
    streams[slot].sendDeadline = 0
    streams[slot].contentDeadline = 0
    closedStreams.insert(streams[slot].id, end)
    sendQueue.remove(slot)
    unsentCount -= streams[slot].unsentCount
    streams[slot].unsent = []
    streams[slot].sentCount = 0
    discardUnread(slot)
    if !streams[slot].hasHandler { remove(slot) }
  }

  private mutating func remove(_ slot: Int) {
    headLength -= streams[slot].headLength
    collectedCount -= streams[slot].collectedCount
    if streams[slot].isAbandoned { abandonedCount -= 1 }
    streams.remove(at: slot)
  }

  /// Ends the handler's use of the stream in `slot`.
  mutating func endHandler(_ slot: Int) {
    streams[slot].hasHandler = false
    if streams[slot].state.isClosed { return remove(slot) }
    collectedCount -= streams[slot].collectedCount
    streams[slot].collectedCount = 0
    if streams[slot].isTunnel, streams[slot].state.localIsClosed {
      finishTrace(slot, .complete)
      return streams[slot].state.remoteIsClosed ? close(slot, .finished) : beginDraining(slot)
    }
    // Content that the client still sends is discarded while the rest of the response is sent. A client that sends
    // everything before it reads would otherwise wait for window, and its response for the client.
    streams[slot].isDiscarding = true
    let unread = streams[slot].unread.count
    discardUnread(slot)
    if !streams[slot].state.remoteIsClosed { returnStreamWindow(slot, unread) }
  }

  /// Finishes the trace of the request in `slot`, if there is one that is not finished.
  @inline(__always)
  mutating func finishTrace(_ slot: Int, _ ending: @autoclosure () -> RequestRecord.Ending) {
    if streams[slot].trace != nil { storeFinishedTrace(slot, ending()) }
  }

  /// Moves the traces that have been finished since the last call into `traces`, which must be empty.
  @inline(__always)
  mutating func takeFinishedTraces(into traces: inout [RequestTrace]) {
    if !finishedTraces.isEmpty { swap(&finishedTraces, &traces) }
  }

  @inline(never)
  private mutating func storeFinishedTrace(_ slot: Int, _ ending: RequestRecord.Ending) {
    guard let trace = streams[slot].trace.take() else { return }
    trace.receivedLength = streams[slot].receivedLength
    // A complete response is only in the output, and may still fail to be sent, so its ending stays open.
    if ending != .complete { trace.ending = ending }
    finishedTraces.append(trace)
  }

  // MARK: Time

  /// Starts the deadline for more content of the stream in `slot`.
  mutating func startContentDeadline(_ slot: Int) {
    // Pauses in a tunnel may have any length.
    if !streams[slot].isTunnel { streams[slot].contentDeadline = streams[slot].receivePace.beginWait(at: tick, pace) }
  }

  /// Begins tick `now`, and ends waits that have taken too long.
  ///
  /// - Returns: The events that follow for streams with a handler: reading now fails, or the stream has closed.
  mutating func advance(to now: UInt64) -> [Event] {
    var expired: [Event] = []
    tick = now
    floodGuard.noteTick()
    if isDue(shutdownPingDeadline) { completeShutdown() }
    for slot in streams.slots {
      if isDue(streams[slot].contentDeadline) {
        streams[slot].contentDeadline = 0
        if streams[slot].state.localIsClosed {
          reset(slot, .none)
          continue
        }
        streams[slot].readingError = WireError(.requestTimeout)
        if streams[slot].hasHandler { expired.append(.content(slot)) }
      }
      if isDue(streams[slot].sendDeadline) {
        if sendQueue.contains(slot), sendWindow.available > 0 {
          // The content waits for more urgent streams, not for the peer.
          streams[slot].sendPace = Pace()
          noteProgress(slot)
          continue
        }
        let hasHandler = streams[slot].hasHandler
        reset(slot, .cancel)
        if hasHandler { expired.append(.closed(slot)) }
      }
    }
    return expired
  }

  /// Frees memory that an idle connection does not need. The HPACK tables are kept, because the peer may refer to their
  /// entries for as long as the connection lasts.
  mutating func releaseMemory() {
    let kept = hasStreams ? HTTP2Buffer.keptOutput : 0
    if output.isEmpty, output.capacity > kept { output = ByteBuffer(capacity: 0) }
    guard !hasStreams else { return }
    streams.releaseMemory()
    sendQueue.releaseMemory()
    drained = []
    waitingForOutput = []
    date = DateCache()
    repeatedHead = RepeatedHead()
  }

  private func isDue(_ deadline: UInt64) -> Bool { deadline != 0 && deadline <= tick }

  /// Records that the peer has received `count` bytes of the stream in `slot`, and extends its deadline.
  mutating func noteProgress(_ slot: Int, _ count: Int = 0) {
    streams[slot].sendPace.recordProgress(of: count, at: tick, pace)
    streams[slot].sendDeadline = streams[slot].unsentCount > 0 ? streams[slot].sendPace.beginWait(at: tick, pace) : 0
  }
}

extension ClosedStreams.End {
  /// The ending of the request whose stream closed in this way.
  fileprivate var ofRequest: RequestRecord.Ending {
    switch self {
    case .finished: .complete
    case .resetByPeer: .clientGone
    case .resetByUs: .failed
    }
  }
}

/// One connection of HTTP/2, a server's end, without any input or output (RFC 9113): bytes in, events out; calls in,
/// bytes out.
///
/// Bytes go through ``next(_:at:now:)``, which is in `HTTP2Core+Receive.swift`; what is to be sent gathers in ``output``,
/// for which the driver gives an empty buffer (``takeOutput(_:)``) after a call of ``fill(upTo:)``, as said in
/// `HTTP2Core+Send.swift`. Content waits with its stream until then, so that it is chosen late whose goes first.
///
/// Drivers know events and functions, and look at no stream: what its handler may ask is in `HTTP2Core+Handler.swift`.
/// That the state is not private is for the extensions of this type, each in a file of its own.
///
/// A stream is known by its slot from ``Event/request(_:)`` on, until its handler has ended (``endHandler(_:)``).
struct HTTP2Core: ~Copyable {
  enum Event: Equatable {
    /// All input but the beginning of a frame has been used, and more is needed.
    case needsInput
    /// ``workLeft`` is used up: others should have their turn before the rest of the input is taken in.
    case pause
    /// A request has begun; its head is there. A handler is expected to answer it.
    case request(Int)
    /// Content of a request has come, or its end, or what makes reading it an error.
    case content(Int)
    /// A stream with a handler has closed before its time, by the peer's will or for its fault.
    case closed(Int)
  }

  /// How far the end of the connection has come (section 6.8).
  enum Ending: Equatable {
    case none
    /// The peer has been told to open no more streams; those on their way are answered.
    case announced
    /// The peer knows which stream is the last one.
    case final(StreamID)

    /// The last of the streams that are answered, if that has been settled.
    var lastStream: StreamID? { if case .final(let stream) = self { stream } else { nil } }
  }

  /// The data of the PINGs that we send.
  enum PingData {
    static let bandwidth: UInt64 = 0x6265_6E64_7769_6474
    static let keepAlive: UInt64 = 0x7374_696C_6C75_7020
    static let shutdown: UInt64 = 0x6C61_7374_6361_6C6C
  }

  let options: HTTP2Options
  /// How much a peer has to take that is there for it, or to send that is waited for, and in how many ticks.
  let pace: Pace.Rule
  /// How many ticks it has to answer a PING before the end.
  let farewell: UInt64
  let limits: MessageLimits
  let serverName: [UInt8]

  // MARK: What comes

  var frames = FrameDecoder()
  /// How much may be done before ``next(_:at:now:)`` gives ``Event/pause``, in the units of ``Turn``: frames cost more
  /// than their bytes, and a header block stands for more bytes than it has.
  var workLeft = Int.max
  var decoder: HPACKDecoder
  /// How much of the preface has come.
  var prefaceLength = 0
  /// The block whose fragments are coming; nothing else may come between them (section 4.3).
  var block: HeaderBlock?
  var blockBytes = ByteBuffer(capacity: 0)
  var hasPeerSettings = false
  /// The highest of the peer's streams so far.
  var lastStream: StreamID = 0
  var streams = StreamTable()
  var closedStreams = ClosedStreams()
  var earlyPriorities: [(stream: StreamID, priority: Priority)] = []
  var receiveWindow: ReceiveWindow
  /// Content of all streams that no handler has read.
  var unreadCount = 0
  /// The sums of what streams hold otherwise, in bytes.
  var takenCount = 0
  var collectedCount = 0
  var headLength = 0
  var unsentCount = 0
  /// How much of the server's memory is taken, when that was last looked at.
  private(set) var pressure = MemoryBudget.Pressure.none
  /// What the connection's window has not been given back while too much lay unread.
  var withheldCount = 0
  var bandwidth: BandwidthEstimate
  var floodGuard: FloodGuard
  /// Whether our settings have been acknowledged (section 6.5.3).
  var settingsAreAcknowledged = false
  /// Whether the last keep-alive PING has been.
  var keepAliveIsAcknowledged = true

  // MARK: What is sent

  var peer = PeerSettings()
  var encoder: HPACKEncoder
  var repeatedHead = RepeatedHead()
  var sendWindow = SendWindow(FlowControl.initialWindow)
  var sendQueue = SendQueue()
  /// What is to be written next.
  var output = ByteBuffer(capacity: 0)
  /// Streams that have ended in ``output``, and count as open until somebody writes that: a peer that does not read
  /// must not have its answers pile up.
  var unwrittenEnds = 0
  /// How often ``output`` has been handed to the network.
  var handovers = 0
  /// Streams that the peer has given up after it was sent some of their response, and whose handlers have not ended.
  var abandonedCount = 0
  /// What ``fill(upTo:)`` returned last, kept for its memory.
  var drained: [Int] = []
  /// The slots of streams that wait for ``output`` to go.
  var waitingForOutput: [Int] = []
  var date = DateCache()
  /// Whether there are observers, which are told of requests that are refused here too.
  let isObserved: Bool
  /// Where the requests come from.
  let origin: RequestOrigin
  /// The requests that have ended since the last look, each with its last bytes in ``output``, if it has any.
  var endedTraces: [RequestTrace] = []
  private(set) var ending = Ending.none
  /// The tick at which the end that has been announced is not announced any longer; 0 before and after.
  private var signDeadline: UInt64 = 0
  /// The tick that is under way.
  private(set) var tick: UInt64
  private(set) var hasFailed = false

  init(
    _ options: HTTP2Options, limits: MessageLimits, serverName: [UInt8],
    pace: Pace.Rule = Pace.Rule(length: 16 * 1024, patience: 30), farewell: UInt64 = 2,
    tick: UInt64 = 0, tickLength: Duration = .seconds(1), from origin: RequestOrigin = RequestOrigin(nil),
    isObserved: Bool = false
  ) {
    self.tick = tick
    floodGuard = FloodGuard(options, tickLength: tickLength)
    self.origin = origin
    self.isObserved = isObserved
    self.options = options
    self.pace = pace
    self.farewell = farewell
    self.limits = limits
    self.serverName = serverName
    decoder = HPACKDecoder()
    encoder = HPACKEncoder(maximumTableSize: options.headerTableSize)
    receiveWindow = ReceiveWindow(FlowControl.initialWindow)
    bandwidth = BandwidthEstimate(window: options.initialStreamWindow, bound: options.maximumStreamWindow)
  }

  /// Sends what a server's connection begins with (section 3.4).
  mutating func begin(under pressure: MemoryBudget.Pressure = .none) {
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

  /// What is held for the client, in bytes.
  var heldLength: Int {
    streams.count * HTTP2Stream.heldLength + headLength + unreadCount + takenCount + collectedCount + unsentCount
      + blockBytes.count + output.count
  }

  /// Notes how much of the server's memory is taken.
  mutating func adapt(to pressure: MemoryBudget.Pressure) { self.pressure = pressure }

  /// Makes ready to take in as much as `work` allows: until ``Event/pause``.
  ///
  /// - Parameter second: the time, in seconds since the beginning of 1970.
  mutating func beginTurn(work: Int, second: Int, under pressure: MemoryBudget.Pressure) {
    self.pressure = pressure
    workLeft = work
    // For what the core itself may have to answer: room at once, and not byte by byte.
    output.reserve(HTTP2Buffer.leastOutput)
    setTime(to: second)
  }

  /// Sets the time that responses are dated with, in seconds since the beginning of 1970.
  mutating func setTime(to second: Int) {
    if date.update(to: second) { repeatedHead = RepeatedHead() }
  }

  /// Opens stream 1 for a request that came by HTTP/1 and asked to go on with HTTP/2 (RFC 7540 section 3.2).
  ///
  /// - Parameter settings: the payload of a SETTINGS frame, from the request's `HTTP2-Settings` field.
  /// - Returns: the stream's slot.
  mutating func adopt(_ method: Method, settings: [UInt8]) throws(HTTP2Error) -> Int {
    try apply(settings.span, 0..<settings.count)
    lastStream = 1
    let slot = streams.insert(1)
    streams[slot].open(1, sendWindow: peer.initialWindowSize, receiveWindow: options.initialStreamWindow)
    streams[slot].firstTick = tick
    streams[slot].head.adopt(method)
    streams[slot].state.peerHasFinished = true
    streams[slot].hasHandler = true
    return slot
  }

  /// Whether there are streams that are open, or whose handlers run.
  var hasStreams: Bool { streams.count > 0 }

  /// Whether a header block has begun whose end has not come.
  var isWithinBlock: Bool { block != nil }

  /// Whether the peer owes us a sign that it has our settings.
  var awaitsSettingsAcknowledgement: Bool { hasPeerSettings && !settingsAreAcknowledged }

  /// Whether there is nothing more to do but to write ``output``.
  var isFinished: Bool {
    hasFailed || ending.lastStream != nil && streams.count == 0 && block == nil
  }

  /// Whether somebody should write.
  var hasOutput: Bool {
    !output.isEmpty || !sendQueue.isEmpty && sendWindow.available > 0 || !endedTraces.isEmpty
  }

  // MARK: The end of a connection

  /// Begins a graceful end: tells the peer to open no more streams, and asks for a sign that it has heard (section 6.8).
  /// ``completeShutdown()`` follows with the sign, or when that has not come in the time of a round trip to anywhere.
  mutating func beginShutdown() {
    guard ending == .none, !hasFailed else { return }
    ending = .announced
    signDeadline = tick + farewell + 1
    output.appendGoAway(lastStream: StreamID.largest, .none)
    output.appendPing(PingData.shutdown)
  }

  /// Says which stream is the last: what the peer opens from now on is as if it had never been sent.
  mutating func completeShutdown() {
    guard ending.lastStream == nil, !hasFailed else { return }
    ending = .final(lastStream)
    signDeadline = 0
    output.appendGoAway(lastStream: lastStream, .none)
  }

  /// Ends the connection for a fault of the peer's, or ours. Nothing follows the GOAWAY that says so (section 5.4.1): a
  /// client is through with the connection then, and would take the rest of a response for another fault.
  mutating func fail(_ code: ErrorCode, _ reason: StaticString) {
    guard !hasFailed else { return }
    hasFailed = true
    for slot in streams.slots where streams[slot].id != 0 && !streams[slot].state.isClosed { close(slot, .resetByUs) }
    output.appendGoAway(lastStream: ending.lastStream ?? lastStream, code, debug: reason)
  }

  /// Asks for a sign that the peer is there, unless that has been asked already.
  mutating func sendKeepAlive() {
    guard keepAliveIsAcknowledged else { return }
    keepAliveIsAcknowledged = false
    output.appendPing(PingData.keepAlive)
  }

  // MARK: The end of a stream

  /// Ends a stream at once, telling the peer why (section 5.4.2).
  mutating func reset(_ slot: Int, _ code: ErrorCode) {
    guard !streams[slot].state.isClosed else { return }
    output.appendResetStream(streams[slot].id, code)
    endTrace(slot, code == .cancel ? .timedOut : .failed)
    close(slot, .resetByUs)
  }

  /// Closes all streams, since the peer has gone.
  ///
  /// - Returns: the slots of those with a handler.
  mutating func closeAll() -> [Int] {
    var abandoned: [Int] = []
    for slot in streams.slots where streams[slot].id != 0 {
      if streams[slot].hasHandler { abandoned.append(slot) }
      if !streams[slot].state.isClosed { close(slot, .resetByPeer) }
    }
    return abandoned
  }

  /// Closes a stream; its slot stays until its handler has ended.
  mutating func close(_ slot: Int, _ end: ClosedStreams.End) {
    streams[slot].state.end = end
    endTrace(slot, end.ofRequest)
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

  /// Says that nobody will ask for the stream in `slot` any more.
  mutating func endHandler(_ slot: Int) {
    streams[slot].hasHandler = false
    if streams[slot].state.isClosed { return remove(slot) }
    collectedCount -= streams[slot].collectedCount
    streams[slot].collectedCount = 0
    if streams[slot].isTunnel, streams[slot].state.weHaveFinished {
      endTrace(slot, .complete)
      return streams[slot].state.peerHasFinished ? close(slot, .finished) : beginDraining(slot)
    }
    // What the client still sends is thrown away while the rest of the response goes out: a client that sends all it has
    // before it reads would wait for room, and its response for the client.
    streams[slot].isDiscarding = true
    let unread = streams[slot].unread.count
    discardUnread(slot)
    if !streams[slot].state.peerHasFinished { releaseStream(slot, unread) }
  }

  /// Notes that the request in `slot` has ended, if observers are told of it and have not been told that.
  @inline(__always)
  mutating func endTrace(_ slot: Int, _ ending: @autoclosure () -> RequestRecord.Ending) {
    if streams[slot].trace != nil { moveTrace(slot, ending()) }
  }

  /// Moves the traces of the requests that have ended since the last call into `traces`, which is empty.
  @inline(__always)
  mutating func takeEndedTraces(into traces: inout [RequestTrace]) {
    if !endedTraces.isEmpty { swap(&endedTraces, &traces) }
  }

  @inline(never)
  private mutating func moveTrace(_ slot: Int, _ ending: RequestRecord.Ending) {
    guard let trace = streams[slot].trace.take() else { return }
    trace.receivedLength = streams[slot].receivedLength
    // An end that is in the output may still not leave.
    if ending != .complete { trace.ending = ending }
    endedTraces.append(trace)
  }

  // MARK: Time

  /// Says that somebody waits for content of the stream in `slot`.
  mutating func awaitContent(_ slot: Int) {
    // What is spoken in a tunnel may pause for as long as it likes.
    if !streams[slot].isTunnel { streams[slot].contentDeadline = streams[slot].receivePace.wait(at: tick, pace) }
  }

  /// Begins another tick, and ends what has taken too long.
  ///
  /// - Returns: what that means for streams with a handler: that reading is an error now, or that they have closed.
  mutating func advance(to now: UInt64) -> [Event] {
    var expired: [Event] = []
    tick = now
    floodGuard.noteTick()
    if isDue(signDeadline) { completeShutdown() }
    for slot in streams.slots {
      if isDue(streams[slot].contentDeadline) {
        streams[slot].contentDeadline = 0
        if streams[slot].state.weHaveFinished {
          reset(slot, .none)
          continue
        }
        streams[slot].readingError = WireError(.requestTimeout)
        if streams[slot].hasHandler { expired.append(.content(slot)) }
      }
      if isDue(streams[slot].sendDeadline) {
        if sendQueue.contains(slot), sendWindow.available > 0 {
          // It waits for streams that are more urgent, and not for its peer.
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

  /// Lets go of memory that an idle connection would hold for nothing. The tables of HPACK are no such memory: the peer
  /// may refer to what is in them for as long as the connection lasts.
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

  /// Notes that the peer has taken `count` bytes of the stream in `slot`, and gives it time for the rest.
  mutating func noteProgress(_ slot: Int, _ count: Int = 0) {
    streams[slot].sendPace.move(count, at: tick, pace)
    streams[slot].sendDeadline = streams[slot].unsentCount > 0 ? streams[slot].sendPace.wait(at: tick, pace) : 0
  }
}

extension ClosedStreams.End {
  /// How the request of a stream has ended that closed so.
  fileprivate var ofRequest: RequestRecord.Ending {
    switch self {
    case .finished: .complete
    case .resetByPeer: .clientGone
    case .resetByUs: .failed
    }
  }
}

import Runtime

// The surroundings of an HTTP/2 connection; above all, a protocol whose frames are one byte long.

struct HTTP2Handover {
  var rest: [UInt8] = []
  var upgrade: (request: Request, settings: [UInt8])?
}

struct NotOffered: Error {}

/// A tunnel, which no response of a model uses.
struct HTTP2Tunnel<Stream: ByteStream, H: Handler>: ByteStream {
  init(_ exchange: HTTP2Exchange<Stream, H>) {}
  func open(_ fields: HeaderFields) {}
  func abort() {}
  func waitUntilReadable() async throws(IOError) {}
  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int { 0 }
  func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int { 0 }
  func shutdownWrite() async throws(IOError) {}
  func close() {}
}

extension HTTP2Connection {
  /// Like Swift's function, except that `onCancel` escapes.
  func withTaskCancellationHandler<Result>(
    operation: () async throws -> Result, @_implicitSelfCapture onCancel: @escaping @Sendable () -> Void
  ) async rethrows -> Result {
    try await Task.watchingCancellation(operation: operation, onCancel: onCancel)
  }

  func trace(
    _ request: Request, _ slot: Int, _ stream: StreamID, isRefused: Bool, _ state: inout HTTP2ConnectionState
  ) -> Request { request }
  func notifyEnded(with buffer: HTTP2Buffer, _ ending: RequestRecord.Ending = .complete) {}
  func notifyEnded() {}
}

/// Nothing: the slots of a model stay with the connection.
struct HTTP2Memory {}

enum ErrorCode { case settingsTimeout }

enum HTTP2Error: Error { case connection(ErrorCode, StaticString) }

/// HTTP/2 with one byte for each frame. The client sends the number of a stream to open it: with a complete request
/// below 50, with a request whose content follows from 50 to 99. It resets a stream with its number plus 100, and sends
/// all of its content with its number plus 150.
///
/// The server answers with the number of a stream, which ends the stream. Before that it sends pieces of content, each
/// as the stream's number plus 100. With `lastFrame` it says that it serves no further stream.
struct HTTP2Core: ~Copyable {
  enum Event { case needsInput, pause, request(Int), content(Int), closed(Int) }
  enum Reading { case content([UInt8]), end(trailers: HeaderFields), wait }

  static let lastFrame: UInt8 = 255

  private struct Slot {
    /// The number of the stream; 0 if the slot is free.
    var stream: StreamID = 0
    var hasHandler = false
    var isClosed = false
    var remoteIsClosed = false
    var unread: [UInt8] = []
    /// The number of pieces that have not been sent.
    var unsent = 0
  }

  private var slots: [Slot] = []
  private var output = ByteBuffer(capacity: 16)
  private var isShuttingDown = false
  private var hasFailed = false
  private(set) var tick: UInt64
  let workLeft = 0
  let isWithinBlock = false
  let hasPeerSettings = true
  let awaitsSettingsAcknowledgement = false

  init(
    _ options: Void, limits: Void, serverName: Void, pace: Void, closeTicks: UInt64, tick: UInt64, tickLength: Void,
    from origin: RequestOrigin, isObserved: Bool
  ) {
    self.tick = tick
  }

  // MARK: Receiving

  mutating func sendPreface(under pressure: MemoryBudget.Pressure) {}
  mutating func beginTurn(work: Int, second: Int, under pressure: MemoryBudget.Pressure) {}
  mutating func adopt(_ method: Void, settings: [UInt8]) throws(HTTP2Error) -> Int { open(1) }

  mutating func next(_ input: Span<UInt8>, at position: inout Int, now: Int64) throws(HTTP2Error) -> Event {
    while position < input.count {
      let frame = input[position]
      position += 1
      if frame < 100 { return .request(open(StreamID(frame))) }
      let stream = StreamID(frame < 200 ? frame - 100 : frame - 150)
      guard let slot = slots.firstIndex(where: { $0.stream == stream && !$0.isClosed }) else { continue }
      if frame >= 200 {
        slots[slot].unread.append(frame)
        slots[slot].remoteIsClosed = true
        return .content(slot)
      }
      close(slot)
      if slots[slot].hasHandler { return .closed(slot) }
    }
    return .needsInput
  }

  private mutating func open(_ stream: StreamID) -> Int {
    let slot = slots.firstIndex { $0.stream == 0 } ?? slots.count
    if slot == slots.count { slots.append(Slot()) }
    slots[slot] = Slot(stream: stream, hasHandler: true, remoteIsClosed: stream < 50)
    return slot
  }

  mutating func takeRequest(
    _ slot: Int, from origin: RequestOrigin, body: (StreamID, Int?) -> RequestBody
  ) -> (stream: StreamID, request: Request, isWhole: Bool) {
    let (stream, isWhole) = (slots[slot].stream, slots[slot].remoteIsClosed)
    return (stream, Request(number: stream, body: isWhole ? nil : body(stream, nil)), isWhole)
  }

  mutating func read(_ slot: Int, _ stream: StreamID, isBusy: Bool) throws -> Reading {
    guard isLive(slot, stream) else { throw BodyError.ended }
    if slots[slot].isClosed { throw BodyError.disconnected }
    if isBusy { throw BodyError.busy }
    if !slots[slot].unread.isEmpty { return .content(exchange(&slots[slot].unread, with: [])) }
    return slots[slot].remoteIsClosed ? .end(trailers: HeaderFields()) : .wait
  }

  func canReadWithoutWaiting(_ slot: Int) -> Bool { !slots[slot].unread.isEmpty || slots[slot].remoteIsClosed }
  mutating func noteCollected(_ slot: Int, _ count: Int) {}

  // MARK: Sending

  mutating func respond(_ slot: Int, _ status: Status, _ fields: HeaderFields, content: [UInt8]) {
    guard !slots[slot].isClosed else { return }
    output.append(UInt8(slots[slot].stream))
    close(slot)
  }

  mutating func sendInformational(_ slot: Int, _ status: Status, _ fields: HeaderFields) throws(BodyError) -> Bool {
    false
  }
  mutating func sendHead(_ slot: Int, _ status: Status, _ fields: HeaderFields, length: Int?) {}
  mutating func write(_ slot: Int, _ bytes: [UInt8]) throws(BodyError) { slots[slot].unsent += bytes.count }

  mutating func endContent(_ slot: Int, trailers: HeaderFields?) throws(BodyError) {
    send(slot)
    respond(slot, Status(), HeaderFields(), content: [])
  }

  mutating func resetAfterContent(_ slot: Int) { close(slot) }

  /// Large enough for a handler to wait until each piece has been sent.
  func unsentCount(of slot: Int) -> Int { slots[slot].unsent * 1024 * 1024 }
  func isWaitingForOutput(_ slot: Int) -> Bool { false }

  func checkWritable(_ slot: Int, _ stream: StreamID) throws(BodyError) {
    guard isLive(slot, stream) else { throw .ended }
    guard !slots[slot].isClosed else { throw .disconnected }
  }

  func checkWritten(_ slot: Int, _ stream: StreamID) throws(BodyError) { try checkWritable(slot, stream) }

  mutating func fill(upTo mark: Int) -> [Int] {
    let drained = slots.indices.filter { slots[$0].unsent > 0 }
    for slot in drained { send(slot) }
    return drained
  }

  private mutating func send(_ slot: Int) {
    for _ in 0..<slots[slot].unsent { output.append(UInt8(slots[slot].stream + 100)) }
    slots[slot].unsent = 0
  }

  mutating func takeFinishedTraces(into traces: inout [RequestTrace]) {}
  mutating func takeMemory(from memory: inout HTTP2Memory) {}
  mutating func giveMemory(to memory: inout HTTP2Memory) {}

  mutating func takeOutput(_ buffer: inout ByteBuffer) -> Bool {
    if output.isEmpty { return false }
    swap(&output, &buffer)
    return true
  }

  mutating func putBack(_ rest: inout ByteBuffer, _ traces: inout [RequestTrace]) {
    if rest.isEmpty { return }
    rest.append(output.contents.span)
    output.removeAll()
    swap(&output, &rest)
  }

  mutating func keepSmaller(_ buffer: inout ByteBuffer) {}

  // MARK: Ending streams

  private mutating func close(_ slot: Int) {
    slots[slot].isClosed = true
    slots[slot].unsent = 0
    if !slots[slot].hasHandler { slots[slot].stream = 0 }
  }

  mutating func endHandler(_ slot: Int) {
    slots[slot].hasHandler = false
    if slots[slot].isClosed { slots[slot].stream = 0 }
  }

  mutating func closeAll() -> [Int] {
    let handled = slots.indices.filter { slots[$0].stream != 0 && slots[$0].hasHandler }
    for slot in slots.indices where slots[slot].stream != 0 { close(slot) }
    return handled
  }

  mutating func endRequests() -> [Int] {
    completeShutdown()
    let handled = slots.indices.filter { slots[$0].stream != 0 && slots[$0].hasHandler && !slots[$0].isClosed }
    for slot in handled { respond(slot, Status(), HeaderFields(), content: []) }
    return handled
  }

  func isLive(_ slot: Int, _ stream: StreamID) -> Bool {
    slot < slots.count && slots[slot].stream == stream && slots[slot].hasHandler
  }

  func isOpen(_ slot: Int, _ stream: StreamID) -> Bool { isLive(slot, stream) && !slots[slot].isClosed }

  mutating func releaseMemory() {}

  // MARK: The connection

  var hasStreams: Bool { slots.contains { $0.stream != 0 } }
  var hasOutput: Bool { !output.isEmpty || slots.contains { $0.unsent > 0 } }
  var isFinished: Bool { hasFailed || isShuttingDown && !hasStreams }
  var heldLength: Int { 0 }

  mutating func beginShutdown() { completeShutdown() }

  mutating func completeShutdown() {
    if isShuttingDown || hasFailed { return }
    isShuttingDown = true
    output.append(Self.lastFrame)
  }

  mutating func fail(_ code: ErrorCode, _ reason: StaticString) { hasFailed = true }
  mutating func sendKeepAlive() {}
  mutating func setTime(to second: Int) {}
  mutating func trace(_ slot: Int, by trace: RequestTrace) {}
  mutating func setPressure(_ pressure: MemoryBudget.Pressure) {}

  mutating func advance(to now: UInt64) -> [Event] {
    tick = now
    return []
  }
}

import Runtime
import RuntimePrimitives
import Synchronization

/// The handler's access to a stream while it works on the request: reading the request's content, sending informational
/// responses, and writing the content of a streamed response. A stream has at most one exchange.
///
/// Handlers may pass these to other tasks and keep them for too long; the connection detects use after the end and
/// concurrent use.
final class HTTP2Exchange<Stream: ByteStream, H: Handler>:
  RequestExchange, @unchecked Sendable  // It has only constants.
{
  /// The head of a response that has not been sent.
  struct Head: Sendable {
    var status: Status
    var fields: HeaderFields
    var contentLength: Int?
  }

  private struct Writing: Sendable {
    var head: Head?
    var trailers: HeaderFields?
    var isBusy = false
  }

  let connection: HTTP2Connection<Stream, H>
  let slot: Int
  let stream: StreamID
  private let writing = Lock(Writing())
  private let receivedTrailers = Lock(HeaderFields())
  /// The scheduling turn of the handler. A handler that always finds content, or whose client always has room, would
  /// never wait.
  private let turn = Turn()

  init(_ connection: HTTP2Connection<Stream, H>, _ slot: Int, _ stream: StreamID) {
    self.connection = connection
    self.slot = slot
    self.stream = stream
  }

  /// Prepares for a streamed response.
  func prepare(_ head: Head) { writing.withLock { $0.head = head } }

  /// Whether sending the response has begun.
  var hasBegun: Bool { writing.withLock { $0.head == nil } }

  // MARK: Informational responses

  override func sendInformational(_ status: Status, _ headers: HeaderFields) async throws {
    try beginWriting()
    defer { endWriting() }
    let (mustWait, writer) = try connection.state.withLock { state throws(BodyError) in
      try state.core.checkWritable(slot, stream)
      return (try state.core.sendInformational(slot, status, headers), state.writerToWake())
    }
    writer?.resume()
    if mustWait { try await waitForRoom { core, slot in !core.isWaitingForOutput(slot) } }
  }
}

// MARK: - The request's content

extension HTTP2Exchange: RequestBodySource {
  var trailers: HeaderFields { receivedTrailers.withLock { $0 } }

  func noteCollected(_ count: Int) throws(HTTPError) {
    connection.state.withLock { state in
      guard state.core.isLive(slot, stream) else { return }
      state.core.noteCollected(slot, count)
      state.updateHeldLength(in: connection.context.memory)
    }
    if connection.context.memory.pressure == .full { throw .shortOfMemory }
  }

  func next() async throws -> [UInt8]? {
    if turn.isOver { await turn.yieldTurn() }
    while true {
      switch try readAvailable() {
      case .content(let content):
        turn.spend(Turn.handlerCall + content.count)
        return content
      case .end(let trailers):
        if !trailers.isEmpty { receivedTrailers.withLock { $0 = trailers } }
        return nil
      case .wait:
        if Task.isCancelled { throw IOError(.read, .cancelled) }
        await connection.wait(slot, stream, as: .reader) { core, slot in core.canReadWithoutWaiting(slot) }
        turn.pause()
      }
    }
  }

  /// Returns the content that is available now.
  private func readAvailable() throws -> HTTP2Core.Reading {
    let (reading, writer) = try connection.state.withLock { state throws in
      let isBusy = state.core.isLive(slot, stream) && state.waiters[slot].reader != nil
      return (try state.core.read(slot, stream, isBusy: isBusy), state.writerToWake())
    }
    writer?.resume()
    return reading
  }
}

// MARK: - The response's content

extension HTTP2Exchange: BodySink {
  /// The number of unsent bytes up to which a writer does not wait for the peer.
  static var highWaterMark: Int { 16 * 1024 }

  func write(_ bytes: [UInt8]) async throws {
    try beginWriting()
    defer { endWriting() }
    guard !bytes.isEmpty else { return }
    if turn.isOver { await turn.yieldTurn() }
    turn.spend(Turn.handlerCall + bytes.count)
    if try send(bytes) { try await waitForRoom { core, slot in core.unsentCount(of: slot) <= Self.highWaterMark } }
  }

  /// Waits until there is room for more of the response.
  private func waitForRoom(until isOver: @Sendable (borrowing HTTP2Core, Int) -> Bool) async throws {
    await connection.wait(slot, stream, as: .writer, until: isOver)
    turn.pause()
    try checkWritten()
  }

  func flush() async throws {
    try beginWriting()
    defer { endWriting() }
    _ = try send([])
  }

  func setTrailers(_ trailers: HeaderFields) throws {
    try beginWriting()
    defer { endWriting() }
    writing.withLock { $0.trailers = trailers }
  }

  /// Ends the content, and with it the handler's use of the stream.
  func finish() throws {
    try beginWriting()
    defer { endWriting() }
    let head = writing.withLock { $0.head.take() }
    let trailers = writing.withLock { $0.trailers }
    try connection.endHandler(slot) { state in
      try sendHeadIfNeeded(head, &state)
      try state.core.endContent(slot, trailers: trailers)
    }
  }

  /// Sends `bytes`, after the head if it has not been sent.
  ///
  /// - Returns: Whether to wait until the peer has received more.
  func send(_ bytes: [UInt8]) throws -> Bool {
    let head = writing.withLock { $0.head.take() }
    let (mustWait, writer) = try connection.state.withLock { state throws in
      try sendHeadIfNeeded(head, &state)
      try state.core.write(slot, bytes)
      return (state.core.unsentCount(of: slot) > Self.highWaterMark, state.writerToWake())
    }
    writer?.resume()
    return mustWait
  }

  /// Checks that the response can be written, and sends `head` if there is one.
  private func sendHeadIfNeeded(_ head: Head?, _ state: inout HTTP2ConnectionState) throws(BodyError) {
    try state.core.checkWritable(slot, stream)
    guard let head else { return }
    state.core.setTime(to: secondsSince1970())
    state.core.sendHead(slot, head.status, head.fields, length: head.contentLength)
  }

  /// Throws if the content written before a wait cannot be sent.
  func checkWritten() throws {
    try connection.state.withLock { state throws(BodyError) in try state.core.checkWritten(slot, stream) }
    if Task.isCancelled { throw IOError(.write, .cancelled) }
  }

  private func beginWriting() throws(BodyError) {
    try writing.withLock { writing throws(BodyError) in
      guard !writing.isBusy else { throw .busy }
      writing.isBusy = true
    }
  }

  private func endWriting() { writing.withLock { $0.isBusy = false } }
}

extension HTTP2Connection {
  /// Waits until `isOver` returns true, the stream closes, or the task is cancelled.
  func wait(
    _ slot: Int, _ id: StreamID, as side: HTTP2ConnectionState.StreamWaiters.Side,
    until isOver: @Sendable (borrowing HTTP2Core, Int) -> Bool
  ) async {
    await withTaskCancellationHandler {
      await suspendTask { continuation in
        let isOver = state.withLock { state in
          guard state.core.isOpen(slot, id), !isOver(state.core, slot),
            // Cancellation first sets the flag and then calls the handler, so one of the two sees the other.
            !Task.isCancelled
          else { return true }
          state.waiters[slot][side] = continuation
          return false
        }
        if isOver { continuation.resume() }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.core.isLive(slot, id) ? state.waiters[slot][side].take() : nil
      }
      waiter?.resume()
    }
  }
}

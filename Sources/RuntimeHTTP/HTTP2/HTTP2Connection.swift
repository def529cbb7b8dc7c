import Runtime
import RuntimePrimitives

/// Serves one connection by HTTP/2: one task writes, another reads, and each request that is not answered at once has
/// one of its own.
///
/// The protocol is in ``HTTP2Core``, which all of them use, one at a time. Whoever leaves something to be written wakes
/// the writer if it sleeps, but for the reader where nobody else has anything to say. The writer lets handlers that are
/// ready go first, so that what many streams have to send leaves in one write. Nobody but the writer ever waits for
/// the peer to take what is written: a handler that is cancelled in the middle of a write would take the connection
/// with it.
final class HTTP2Connection<Stream: ByteStream, H: Handler>: Sendable {
  let stream: Stream
  let responder: Responder<H>
  let context: ConnectionContext
  let control: ConnectionControl
  let origin: RequestOrigin
  let state: Lock<HTTP2ConnectionState>
  /// The turns of the task that reads, and of the one that writes.
  let readingTurn = Turn()
  let writingTurn = Turn()

  init(_ stream: Stream, _ control: ConnectionControl, _ responder: Responder<H>) {
    self.stream = stream
    self.responder = responder
    self.control = control
    context = responder.context
    origin = RequestOrigin(stream.peerAddress, context.errors, connection: control)
    let core = HTTP2Core(
      context.options.http2, limits: context.limits, serverName: context.serverName, pace: context.pace,
      farewell: context.farewellTicks, tick: context.ticker.now, tickLength: context.ticker.period, from: origin,
      isObserved: context.observers != nil)
    state = Lock(HTTP2ConnectionState(core: core, readDeadline: context.ticker.deadline(after: context.headTicks)))
  }

  /// Serves requests until the client or the server has had enough, and closes the stream. It has been begun before.
  ///
  /// The task that calls this writes, since it is the one that is cancelled when the peer takes nothing. Cancelled, it
  /// ends the connection.
  func run() async {
    let reader = responder.executor.spawn(context.taskOptions()) { [self] in await read() }
    if context.isClosing { beginClosing() }
    await write()
    await finish(reader)
  }

  /// Waits until the peer has seen the end, and all handlers have come to theirs.
  ///
  /// Out of line, so that its variables are not in the frame of a connection that is idle.
  @inline(never)
  private func finish(_ reader: Task<Void, any Error>) async {
    // If the peer is there still, it has a while to see the end and to go, and what it sends until then is read: what lay
    // unread would make a reset of the end (RFC 9112 section 9.6 says it for HTTP/1).
    state.withLock { state in
      state.isEnding = true
      state.readDeadline = state.core.tick + context.farewellTicks + 1
    }
    try? await stream.shutdownWrite()
    await withTaskCancellationHandler {
      _ = await reader.result
    } onCancel: {
      stream.close()
    }
    await waitForHandlers()
    if context.observers != nil { tellEnded() }
    state.withLock { state in state.memory.set(to: 0, in: context.memory) }
    control.watch(nil)
    stream.close()
  }

  /// Closes all streams, cancels the handlers that there are still, and has the writer end when it has written everything.
  func abandonAll() {
    abandon { state in
      state.isEnding = true
      return state.core.closeAll()
    }
  }

  /// Ends what waits for the streams whose slots `end` gives, which have closed or have their last answer.
  func abandon(_ end: (inout HTTP2ConnectionState) -> [Int]) {
    let (orphans, awake) = state.withLock { state in
      let slots = end(&state)
      return state.abandon(slots)
    }
    for task in orphans { task.cancel() }
    for waiter in awake { waiter.resume() }
  }

  /// Waits until no handler is left.
  private func waitForHandlers() async {
    await withUnsafeContinuation { continuation in
      let isOver = state.withLock { state in
        if state.handlers > 0 { state.lastHandlerWaiter = continuation }
        return state.handlers == 0
      }
      if isOver { continuation.resume() }
    }
  }
}

/// What the tasks of a connection share.
struct HTTP2ConnectionState: ~Copyable {
  /// What belongs to a stream here: who waits for it, and whom to cancel.
  struct Seat: Sendable {
    var task: Task<Void, any Error>?
    var reader: UnsafeContinuation<Void, Never>?
    var writer: UnsafeContinuation<Void, Never>?
    /// The stream closed before its task was known here.
    var isCancelled = false

    enum Side: Sendable { case reader, writer }

    subscript(side: Side) -> UnsafeContinuation<Void, Never>? {
      get { side == .reader ? reader : writer }
      set { if side == .reader { reader = newValue } else { writer = newValue } }
    }
  }

  /// What has come in part.
  enum Partial { case nothing, head, content }

  var core: HTTP2Core
  /// What the connection has taken of the server's memory.
  var memory = MemoryBudget.Part()
  /// The buffers that it waits with: for the rest of a frame, and for its client to take what there is.
  var inputLength = 0
  var outputLength = 0
  /// What HTTP/1 has read beyond its own, until the reader takes it.
  var rest: [UInt8] = []
  /// By the slots of the core's streams.
  var seats: [Seat] = []
  /// The writer, while it has nothing to write.
  var sleepingWriter: UnsafeContinuation<Void, Never>?
  /// How many handlers there are.
  var handlers = 0
  /// Who waits for the last of them to end.
  var lastHandlerWaiter: UnsafeContinuation<Void, Never>?
  /// Nothing more is served: the writer ends when it has written everything.
  var isEnding = false
  /// The tick at which what is read has taken too long; 0 where there is nothing to wait for but requests in flight.
  var readDeadline: UInt64
  /// The tick at which our settings should have been acknowledged.
  let settingsDeadline: UInt64
  /// The tick of the last byte that came.
  var heard: UInt64
  /// What it was in the middle of.
  var partial = Partial.nothing

  init(core: consuming HTTP2Core, readDeadline: UInt64) {
    heard = core.tick
    self.core = core
    self.readDeadline = readDeadline
    settingsDeadline = readDeadline
  }

  /// Counts what the connection holds.
  @inline(__always)
  mutating func count(in budget: MemoryBudget) {
    memory.set(to: core.heldLength + inputLength + outputLength, in: budget)
  }

  /// The writer, if it sleeps and has a reason not to.
  mutating func writerToWake() -> UnsafeContinuation<Void, Never>? {
    sleepingWriter != nil && (core.hasOutput || core.isFinished || isEnding) ? sleepingWriter.take() : nil
  }

  mutating func sit(at slot: Int) {
    while seats.count <= slot { seats.append(Seat()) }
    seats[slot] = Seat()
    handlers += 1
  }

  /// Ends the handler in `slot`, and gives whom to wake.
  mutating func leave(_ slot: Int) -> UnsafeContinuation<Void, Never>? {
    seats[slot] = Seat()
    core.endHandler(slot)
    handlers -= 1
    return handlers == 0 ? lastHandlerWaiter.take() : nil
  }

  /// Ends what waits for the stream in `slot`, which has closed.
  mutating func abandon(
    _ slot: Int, _ orphans: inout [Task<Void, any Error>], _ awake: inout [UnsafeContinuation<Void, Never>]
  ) {
    seats[slot].isCancelled = true
    if let task = seats[slot].task { orphans.append(task) }
    if let reader = seats[slot].reader.take() { awake.append(reader) }
    if let writer = seats[slot].writer.take() { awake.append(writer) }
  }

  /// Lets go of what is held for nothing at tick `now`, if nothing has come for a whole tick.
  mutating func releaseMemory(at now: UInt64) {
    guard now > heard + 1 else { return }
    core.releaseMemory()
    if !core.hasStreams { seats = [] }
  }

  /// Ends what waits for the streams in `slots`, and gives the tasks to cancel and the waits to resume for it.
  mutating func abandon(_ slots: [Int]) -> ([Task<Void, any Error>], [UnsafeContinuation<Void, Never>]) {
    var orphans: [Task<Void, any Error>] = []
    var awake: [UnsafeContinuation<Void, Never>] = []
    for slot in slots { abandon(slot, &orphans, &awake) }
    if let writer = writerToWake() { awake.append(writer) }
    return (orphans, awake)
  }
}

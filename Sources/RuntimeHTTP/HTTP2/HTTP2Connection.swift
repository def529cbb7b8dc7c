import Runtime
import RuntimePrimitives

/// Serves a connection over HTTP/2. One task writes, another reads, and each request that is not answered in a plain
/// call has a task of its own.
///
/// The protocol is in ``HTTP2Core``, which all these tasks use, one at a time. Code that produces output wakes the
/// writer if it sleeps, except that the reader writes by itself when no handler is running. The writer lets handlers
/// that are ready run first, so that the output of many streams leaves in one write. Only the writer waits for the peer
/// to receive output: a handler that is cancelled in the middle of a write would break the connection.
final class HTTP2Connection<Stream: ByteStream, H: Handler>: Sendable {
  let stream: Stream
  let responder: Responder<H>
  let context: ConnectionContext
  let control: ConnectionControl
  let origin: RequestOrigin
  let state: Lock<HTTP2ConnectionState>
  /// The scheduling turns of the task that reads and of the one that writes.
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
      closeTicks: context.closeTicks, tick: context.ticker.now, tickLength: context.ticker.period, from: origin,
      isObserved: context.observers != nil)
    state = Lock(HTTP2ConnectionState(core: core, readDeadline: context.ticker.deadline(after: context.headTicks)))
  }

  /// Serves requests until the client or the server ends the connection, then closes the stream. ``start(handover:)``
  /// has been called before.
  ///
  /// The calling task is the writer, because this is the task that is cancelled when the peer does not read. Cancelling
  /// it ends the connection.
  func run() async {
    let reader = startReader()
    let watch = CancellationWatch(control) {
      Unmanaged<ConnectionControl>.fromOpaque($0).takeUnretainedValue().taskWasCancelled()
    }
    await write()
    watch.end()
    await waitForEnd(of: reader)
  }

  /// Starts the task that reads.
  ///
  /// Out of line, so that the options are not in the frame of an idle connection.
  @inline(never)
  private func startReader() -> Task<Void, any Error> {
    let reader = responder.executor.spawn(context.taskOptions()) { [self] in await read() }
    if context.isClosing { beginClosing() }
    return reader
  }

  /// Waits until the peer has closed its side and all handlers have ended.
  ///
  /// Out of line, so that its variables are not in the frame of an idle connection.
  @inline(never)
  private func waitForEnd(of reader: Task<Void, any Error>) async {
    // If the peer is still there, it gets some time to read the end and to close; until then its input is read, since
    // unread input would turn the end into a reset (RFC 9112 section 9.6 explains this for HTTP/1).
    state.withLock { state in
      state.isEnding = true
      state.readDeadline = state.core.tick + context.closeTicks + 1
    }
    try? await stream.shutdownWrite()
    await withTaskCancellationHandler {
      _ = await reader.result
    } onCancel: {
      stream.close()
    }
    await waitForHandlers()
    if context.observers != nil { notifyEnded() }
    state.withLock { state in state.memory.set(to: 0, in: context.memory) }
    control.setWatcher(nil)
    stream.close()
  }

  /// Closes all streams, cancels all handlers, and makes the writer end once it has written everything.
  func closeAllStreams() {
    cancelHandlers { state in
      state.isEnding = true
      return state.core.closeAll()
    }
  }

  /// Cancels the tasks and resumes the waits of the streams that `end` returns, which have closed or have their final
  /// response.
  func cancelHandlers(after end: (inout HTTP2ConnectionState) -> [Int]) {
    let (tasksToCancel, continuationsToResume) = state.withLock { state in
      let slots = end(&state)
      return state.releaseWaiters(of: slots)
    }
    for task in tasksToCancel { task.cancel() }
    for continuation in continuationsToResume { continuation.resume() }
  }

  /// Waits until all handlers have ended.
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

/// The state that the tasks of a connection share.
struct HTTP2ConnectionState: ~Copyable {
  /// The handler's task of a stream, and the continuations that wait for the stream.
  struct StreamWaiters: Sendable {
    var task: Task<Void, any Error>?
    var reader: UnsafeContinuation<Void, Never>?
    var writer: UnsafeContinuation<Void, Never>?
    /// Whether the stream closed before its task was stored here.
    var isCancelled = false

    enum Side: Sendable { case reader, writer }

    subscript(side: Side) -> UnsafeContinuation<Void, Never>? {
      get { side == .reader ? reader : writer }
      set { if side == .reader { reader = newValue } else { writer = newValue } }
    }
  }

  /// What has been received in part.
  enum Partial { case nothing, head, content }

  var core: HTTP2Core
  /// The part of the server's memory budget that the connection has taken.
  var memory = MemoryBudget.Part()
  /// The lengths of the buffers that the connection waits with: for the rest of a frame, and for the client to receive
  /// output.
  var inputLength = 0
  var outputLength = 0
  /// The bytes that HTTP/1 has read ahead, until the reader takes them.
  var rest: [UInt8] = []
  /// The waiters of each stream, by the slots of the core's streams.
  var waiters: [StreamWaiters] = []
  /// The continuation of the writer while it sleeps.
  var sleepingWriter: UnsafeContinuation<Void, Never>?
  /// The number of handlers.
  var handlers = 0
  /// The continuation that waits for the last handler to end.
  var lastHandlerWaiter: UnsafeContinuation<Void, Never>?
  /// Whether the connection is ending: the writer ends when it has written everything.
  var isEnding = false
  /// The tick at which the current wait for input expires; 0 if only requests in flight are waited for.
  var readDeadline: UInt64
  /// The tick by which the peer should have acknowledged our settings.
  let settingsDeadline: UInt64
  /// The tick in which the last byte was received.
  var lastReceiveTick: UInt64
  /// What has been received in part.
  var partial = Partial.nothing

  init(core: consuming HTTP2Core, readDeadline: UInt64) {
    lastReceiveTick = core.tick
    self.core = core
    self.readDeadline = readDeadline
    settingsDeadline = readDeadline
  }

  /// Updates the count of bytes that the connection holds.
  @inline(__always)
  mutating func updateHeldLength(in budget: MemoryBudget) {
    memory.set(to: core.heldLength + inputLength + outputLength, in: budget)
  }

  /// Returns the continuation of the writer, if it sleeps and has something to do.
  mutating func writerToWake() -> UnsafeContinuation<Void, Never>? {
    sleepingWriter != nil && (core.hasOutput || core.isFinished || isEnding) ? sleepingWriter.take() : nil
  }

  /// Registers a handler for the stream in `slot`.
  mutating func registerHandler(at slot: Int) {
    while waiters.count <= slot { waiters.append(StreamWaiters()) }
    waiters[slot] = StreamWaiters()
    handlers += 1
  }

  /// Removes the handler of the stream in `slot`. Returns the continuation that waited for the last handler, if this was
  /// the last.
  mutating func removeHandler(at slot: Int) -> UnsafeContinuation<Void, Never>? {
    waiters[slot] = StreamWaiters()
    core.endHandler(slot)
    handlers -= 1
    return handlers == 0 ? lastHandlerWaiter.take() : nil
  }

  /// Collects the task and the continuations of the stream in `slot`, which has closed.
  mutating func collectWaiters(
    at slot: Int, into tasksToCancel: inout [Task<Void, any Error>],
    _ continuationsToResume: inout [UnsafeContinuation<Void, Never>]
  ) {
    waiters[slot].isCancelled = true
    if let task = waiters[slot].task { tasksToCancel.append(task) }
    if let reader = waiters[slot].reader.take() { continuationsToResume.append(reader) }
    if let writer = waiters[slot].writer.take() { continuationsToResume.append(writer) }
  }

  /// Frees memory that is not needed at tick `now`, if nothing has been received for a whole tick.
  mutating func releaseMemory(at now: UInt64) {
    guard now > lastReceiveTick + 1 else { return }
    core.releaseMemory()
    if !core.hasStreams { waiters = [] }
  }

  /// Takes out what waits for the streams in `slots`, which have closed. Returns the tasks to cancel and the
  /// continuations to resume.
  mutating func releaseWaiters(of slots: [Int]) -> ([Task<Void, any Error>], [UnsafeContinuation<Void, Never>]) {
    var tasksToCancel: [Task<Void, any Error>] = []
    var continuationsToResume: [UnsafeContinuation<Void, Never>] = []
    for slot in slots { collectWaiters(at: slot, into: &tasksToCancel, &continuationsToResume) }
    if let writer = writerToWake() { continuationsToResume.append(writer) }
    return (tasksToCancel, continuationsToResume)
  }
}

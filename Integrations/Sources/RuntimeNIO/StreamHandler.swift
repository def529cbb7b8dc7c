import Glibc
import NIOCore
import Runtime
import RuntimePrimitives

/// The last handler of a channel, which turns its events into a stream.
///
/// It reads ahead by 64 KiB, and then pauses the channel's reads. Written bytes go to the channel while it is writable.
/// Other bytes are not accepted, because they could not be withdrawn. So the channel holds up to twice 64 KiB that the
/// kernel has not accepted, and closing waits for these.
final class StreamHandler: ChannelDuplexHandler, @unchecked Sendable {  // `state` is locked, the loop owns the rest.
  typealias InboundIn = ByteBuffer
  typealias InboundOut = Never
  typealias OutboundIn = Never
  typealias OutboundOut = ByteBuffer

  let channel: any Channel
  let state = Lock(StreamState())

  /// Called once on the loop, when the channel is connected.
  var onActive: (() -> Void)?
  /// Called once on the loop, when the channel has ended.
  var onEnd: (() -> Void)?

  /// Whether closing discards unsent data.
  private let resetsOnClose: Bool
  private var context: ChannelHandlerContext?
  /// The directions to close once everything has been sent.
  private var closing: CloseMode?
  private var isAwaitingFlush = false
  private var lingering: Scheduled<Void>?
  private var failure: Failure?

  /// How long a closed stream continues to send data written before. The kernel has its own, longer time for data that
  /// it has accepted.
  private static let lingerTime = TimeAmount.seconds(30)

  init(_ channel: any Channel, resetsOnClose: Bool = false) {
    self.channel = channel
    self.resetsOnClose = resetsOnClose
  }

  // MARK: Events of the channel

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    let isWritable = context.channel.isWritable
    state.withLock { $0.isWritable = isWritable }
    if context.channel.isActive { activate() }
  }

  func channelActive(context: ChannelHandlerContext) {
    activate()
    context.fireChannelActive()
  }

  private func activate() {
    noteUnixAddresses()
    exchange(&onActive, with: nil)?()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var bytes = unwrapInboundIn(data)
    let reader = state.withLock { state in
      if state.isClosed { return nil as StreamState.Waiter? }
      if state.inbox.readableBytes == 0 { state.inbox = bytes } else { state.inbox.writeBuffer(&bytes) }
      return state.removeReadyWaiter(for: .read)
    }
    reader?.continuation.resume(returning: nil)
  }

  /// Handles the channel's request to read on, which follows each read.
  func read(context: ChannelHandlerContext) {
    let isFull = state.withLock { state in
      state.isReadHeld = state.inbox.readableBytes >= StreamState.bufferLimit
      return state.isReadHeld
    }
    if !isFull { context.read() }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    let isWritable = context.channel.isWritable
    let writer = state.withLock { state in
      state.isWritable = isWritable
      return state.removeReadyWaiter(for: .write)
    }
    writer?.continuation.resume(returning: nil)
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent { markEnded(input: .finished) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    let failure = Failure(error)
    self.failure = failure
    markEnded(input: .failed(failure), output: failure)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    handleChannelEnd()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    handleChannelEnd()
  }

  private func handleChannelEnd() {
    guard context != nil else { return }
    // NIO closes the channel without reporting why a write has failed.
    let failure = self.failure ?? Failure(EPIPE)
    let isFinished = closing == .output
    let inputFailure = self.failure ?? Failure(ECONNRESET)
    state.withLock { $0.isGone = true }
    markEnded(input: isFinished ? .finished : .failed(inputFailure), output: failure)
    context = nil
    onActive = nil
    lingering?.cancel()
    exchange(&onEnd, with: nil)?()
  }

  /// Marks the directions as ended, unless they are, and resumes the tasks that wait for them.
  private func markEnded(input: StreamState.End, output: Failure? = nil) {
    let (reader, writer) = state.withLock { state in
      state.inputEnd = state.inputEnd ?? input
      state.outputEnd = state.outputEnd ?? output
      return (state.removeReadyWaiter(for: .read), state.removeReadyWaiter(for: .write))
    }
    reader?.continuation.resume(returning: nil)
    writer?.continuation.resume(returning: nil)
  }

  // MARK: Calls from tasks, on any thread

  /// Takes up to `count` received bytes.
  ///
  /// - Returns: an empty buffer at the end of the stream; `nil` if there is nothing yet.
  func tryRead(upTo count: Int) throws(IOError) -> ByteBuffer? {
    let (bytes, readsOn) = try state.withLock { state throws(IOError) -> (ByteBuffer?, Bool) in
      if state.isClosed { throw IOError(.read, .closed) }
      let available = state.inbox.readableBytes
      if available == 0 {
        switch state.inputEnd {
        case .finished?: return (ByteBuffer(), false)
        case .failed(let failure)?: throw failure.error(.read)
        case nil: return (nil, false)
        }
      }
      state.spend(min(count, available))
      // Usually all of it, so that the buffer returns to the channel's pool.
      guard available > count else {
        return (exchange(&state.inbox, with: ByteBuffer()), exchange(&state.isReadHeld, with: false))
      }
      let bytes = state.inbox.readSlice(length: count)
      let readsOn = state.isReadHeld && available - count <= StreamState.bufferLimit / 2
      if readsOn { state.isReadHeld = false }
      return (bytes, readsOn)
    }
    if readsOn { onLoop { handler in handler.context?.read() } }
    return bytes
  }

  /// Passes as many bytes of `first` and then `second`, from `offset` on, to the channel as it accepts.
  ///
  /// - Returns: the number of bytes.
  func tryWrite(_ first: RawSpan, _ second: RawSpan, from offset: Int) throws(IOError) -> Int {
    let isOnLoop = channel.eventLoop.inEventLoop
    let a = first.extracting(droppingFirst: min(offset, first.byteCount))
    let b = second.extracting(droppingFirst: max(0, offset - first.byteCount))
    let (room, isFirst) = try state.withLock { state throws(IOError) in
      if state.isClosed { throw IOError(.write, .closed) }
      if let failure = state.outputEnd { throw failure.error(.write) }
      let count = min(state.room, a.byteCount + b.byteCount)
      state.spend(count)
      return (count, state.outbox.isEmpty)
    }
    if room == 0 { return 0 }
    let (a2, b2) = (a.extracting(first: min(room, a.byteCount)), b.extracting(first: max(0, room - a.byteCount)))
    if isOnLoop {
      if !isFirst { drain() }
      // If the channel has ended meanwhile, the bytes are lost like those that the kernel has accepted.
      guard let context else { return room }
      WriteScratch.withBuffer { buffer in
        buffer.append(a2)
        buffer.append(b2)
        context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
      }
    } else {
      var buffer = channel.allocator.buffer(capacity: room)
      buffer.append(a2)
      buffer.append(b2)
      let mustSchedule = state.withLock { state in
        state.outbox.append(buffer)
        state.outboxBytes += room
        return !exchange(&state.isDrainScheduled, with: true)
      }
      if mustSchedule { onLoop { handler in handler.drain() } }
    }
    return room
  }

  /// Passes bytes written by other threads to the channel. Must be called on the loop.
  private func drain() {
    let buffers = state.withLock { state in
      state.isDrainScheduled = false
      state.outboxBytes = 0
      return exchange(&state.outbox, with: [])
    }
    if let context, !buffers.isEmpty {
      for buffer in buffers { context.write(wrapOutboundOut(buffer), promise: nil) }
      context.flush()
    }
    let writer = state.withLock { $0.removeReadyWaiter(for: .write) }
    writer?.continuation.resume(returning: nil)
  }

  /// Closes the output once everything has been sent.
  func shutdownOutput() throws(IOError) {
    try state.withLock { state throws(IOError) in
      if state.isClosed { throw IOError(.shutdown, .closed) }
      state.outputEnd = state.outputEnd ?? Failure(EPIPE)
    }
    onLoop { handler in
      handler.closing = handler.closing ?? .output
      handler.closeWhenFlushed()
    }
  }

  /// Closes the channel once everything has been sent. Waiting tasks fail at once.
  func close() {
    let (reader, writer, isFirst) = state.withLock { state in
      let isFirst = !exchange(&state.isClosed, with: true)
      state.inbox = ByteBuffer()
      return (exchange(&state.reader, with: nil), exchange(&state.writer, with: nil), isFirst)
    }
    reader?.continuation.resume(returning: .closed)
    writer?.continuation.resume(returning: .closed)
    guard isFirst else { return }
    onLoop { handler in
      handler.closing = .all
      handler.closeWhenFlushed()
    }
  }

  /// Closes the channel at once and discards unsent data.
  func abort() {
    close()
    onLoop { handler in handler.context?.close(promise: nil) }
  }

  private func onLoop(_ body: @escaping @Sendable (StreamHandler) -> Void) {
    if channel.eventLoop.inEventLoop { return body(self) }
    // A channel that has ended needs nothing any more, and its loop may have ended too.
    if state.withLock(\.isGone) { return }
    channel.eventLoop.execute { body(self) }
  }

  /// Closes the requested directions, now or once everything has been sent. Must be called on the loop.
  private func closeWhenFlushed() {
    drain()
    guard let context, let closing else {
      // The stream was closed before its channel was set up.
      return channel.close(promise: nil)
    }
    guard !resetsOnClose, isAwaitingFlush || hasUnsentBytes else { return context.close(mode: closing, promise: nil) }
    if closing == .all, lingering == nil {
      lingering = context.eventLoop.assumeIsolated().scheduleTask(in: Self.lingerTime) {
        self.context?.close(promise: nil)
      }
    }
    if exchange(&isAwaitingFlush, with: true) { return }
    let flushed = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: flushed)
    flushed.futureResult.assumeIsolated().whenComplete { _ in
      self.isAwaitingFlush = false
      // More directions may have to be closed by now.
      if let context = self.context, let closing = self.closing { context.close(mode: closing, promise: nil) }
    }
  }

  private var hasUnsentBytes: Bool {
    // If the channel cannot report the number of unsent bytes, a flush reports when it is done.
    (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) != 0
  }
}

import Glibc
import NIOCore
import Runtime
import RuntimePrimitives

/// The last handler of a channel: what turns its events into a stream.
///
/// It reads ahead by 64 KiB, and stops the channel's reading then. What is written goes to the channel while that wants more
/// to send; what does not is not taken over, as it could not be taken back. So up to two times 64 KiB are in the channel's
/// hands that the kernel has not taken, and closing waits for these.
final class StreamHandler: ChannelDuplexHandler, @unchecked Sendable {  // `state` has a lock, the rest is the loop's.
  typealias InboundIn = ByteBuffer
  typealias InboundOut = Never
  typealias OutboundIn = Never
  typealias OutboundOut = ByteBuffer

  let channel: any Channel
  let state = Lock(StreamState())

  /// Called once, when the channel is connected; on the loop.
  var onActive: (() -> Void)?
  /// Called once, when the channel has ended; on the loop.
  var onEnd: (() -> Void)?

  /// Whether what has not been sent when it is closed is discarded.
  private let resetsOnClose: Bool
  private var context: ChannelHandlerContext?
  /// What is to be closed once everything has been sent.
  private var closing: CloseMode?
  private var isAwaitingFlush = false
  private var lingering: Scheduled<Void>?
  private var failure: Failure?

  /// How long a stream that is closed goes on sending what was written before. The kernel has its own, longer time for what
  /// it has taken.
  private static let patience = TimeAmount.seconds(30)

  init(_ channel: any Channel, resetsOnClose: Bool = false) {
    self.channel = channel
    self.resetsOnClose = resetsOnClose
  }

  // MARK: What the channel tells

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
      return state.takeReady(.read)
    }
    reader?.continuation.resume(returning: nil)
  }

  /// The channel asks to read on, as it does after each read.
  func read(context: ChannelHandlerContext) {
    let isFull = state.withLock { state in
      state.isReadHeld = state.inbox.readableBytes >= StreamState.most
      return state.isReadHeld
    }
    if !isFull { context.read() }
  }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    let isWritable = context.channel.isWritable
    let writer = state.withLock { state in
      state.isWritable = isWritable
      return state.takeReady(.write)
    }
    writer?.continuation.resume(returning: nil)
    context.fireChannelWritabilityChanged()
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if case .inputClosed? = event as? ChannelEvent { end(input: .finished) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    let failure = Failure(error)
    self.failure = failure
    end(input: .failed(failure), output: failure)
    context.close(promise: nil)
  }

  func channelInactive(context: ChannelHandlerContext) {
    hasEnded()
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    hasEnded()
  }

  private func hasEnded() {
    guard context != nil else { return }
    // NIO does not say why a write has failed: it closes the channel.
    let failure = self.failure ?? Failure(EPIPE)
    let isFinished = closing == .output
    let inputFailure = self.failure ?? Failure(ECONNRESET)
    state.withLock { $0.isGone = true }
    end(input: isFinished ? .finished : .failed(inputFailure), output: failure)
    context = nil
    onActive = nil
    lingering?.cancel()
    exchange(&onEnd, with: nil)?()
  }

  /// Ends the directions that have not ended yet, and wakes those that wait for them.
  private func end(input: StreamState.End, output: Failure? = nil) {
    let (reader, writer) = state.withLock { state in
      state.inputEnd = state.inputEnd ?? input
      state.outputEnd = state.outputEnd ?? output
      return (state.takeReady(.read), state.takeReady(.write))
    }
    reader?.continuation.resume(returning: nil)
    writer?.continuation.resume(returning: nil)
  }

  // MARK: What tasks ask for, on any thread

  /// Takes up to `count` bytes of what has been read.
  ///
  /// - Returns: an empty buffer at the end; `nil` if there is nothing yet.
  func take(upTo count: Int) throws(IOError) -> ByteBuffer? {
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
      // All of it as a rule, so that the buffer is given back to the channel's pool.
      guard available > count else {
        return (exchange(&state.inbox, with: ByteBuffer()), exchange(&state.isReadHeld, with: false))
      }
      let bytes = state.inbox.readSlice(length: count)
      let readsOn = state.isReadHeld && available - count <= StreamState.most / 2
      if readsOn { state.isReadHeld = false }
      return (bytes, readsOn)
    }
    if readsOn { onLoop { handler in handler.context?.read() } }
    return bytes
  }

  /// Hands the channel what it wants of `first` and then `second`, after the first `offset` bytes.
  ///
  /// - Returns: how many bytes.
  func put(_ first: RawSpan, _ second: RawSpan, from offset: Int) throws(IOError) -> Int {
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
      // It may have ended meanwhile, and then this goes the way of what the kernel has taken.
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

  /// Hands the channel what other threads have written. On the loop.
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
    let writer = state.withLock { $0.takeReady(.write) }
    writer?.continuation.resume(returning: nil)
  }

  /// Ends the output once everything has been sent.
  func shutdownOutput() throws(IOError) {
    try state.withLock { state throws(IOError) in
      if state.isClosed { throw IOError(.shutdown, .closed) }
      state.outputEnd = state.outputEnd ?? Failure(EPIPE)
    }
    onLoop { handler in
      handler.closing = handler.closing ?? .output
      handler.settle()
    }
  }

  /// Closes the channel once everything has been sent, and at once for those that wait.
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
      handler.settle()
    }
  }

  /// Closes the channel at once, whatever has not been sent.
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

  /// Closes what is to be closed, if everything has been sent; otherwise once it has been. On the loop.
  private func settle() {
    drain()
    guard let context, let closing else {
      // It was closed before its channel was its own.
      return channel.close(promise: nil)
    }
    guard !resetsOnClose, isAwaitingFlush || hasUnsentBytes else { return context.close(mode: closing, promise: nil) }
    if closing == .all, lingering == nil {
      lingering = context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) {
        self.context?.close(promise: nil)
      }
    }
    if exchange(&isAwaitingFlush, with: true) { return }
    let flushed = context.eventLoop.makePromise(of: Void.self)
    context.writeAndFlush(wrapOutboundOut(ByteBuffer()), promise: flushed)
    flushed.futureResult.assumeIsolated().whenComplete { _ in
      self.isAwaitingFlush = false
      // What is to be closed may be more by now.
      if let context = self.context, let closing = self.closing { context.close(mode: closing, promise: nil) }
    }
  }

  private var hasUnsentBytes: Bool {
    // A channel that does not say how much it has is asked to say when it is done.
    (try? channel.syncOptions?.getOption(.bufferedWritableBytes)) != 0
  }
}

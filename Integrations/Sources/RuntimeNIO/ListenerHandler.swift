import Glibc
import NIOCore
import Runtime
import RuntimePrimitives

/// The first handler of a listening channel. It lets NIO accept connections only while a task waits for one.
///
/// Other connections stay in the system's backlog. NIO accepts up to four at a time, so a few accepted connections may
/// have no waiting task.
final class ListenerHandler: ChannelDuplexHandler, OpenChannels.Member, @unchecked Sendable {  // See `StreamHandler`.
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel
  typealias OutboundIn = Never
  typealias OutboundOut = Never

  private struct State {
    /// Accepted connections that wait for a task.
    var streams = Ring<NIOStream>()
    /// Accepted channels that are not streams yet.
    var arriving: Set<ObjectIdentifier> = []
    /// The waiting task.
    var acceptor: Acceptor?
    /// Whether the loop has asked to accept and was refused.
    var isHeld = true
    var isClosed = false
    /// The reason why the listener has ended by itself.
    var failure: IOError.Reason?
    /// The listening channel, until it has ended.
    var channel: (any Channel)?
    var ticket = 0

    var mayAccept: Bool { acceptor != nil && streams.isEmpty && arriving.isEmpty && !isClosed }
  }

  private struct Acceptor {
    let ticket: Int
    let continuation: UnsafeContinuation<AcceptResult, Never>
  }

  /// The result of waiting for a connection.
  enum AcceptResult: Sendable {
    case stream(NIOStream)
    /// There was no descriptor or no memory for a connection.
    case shortage(Int32)
    case ended(IOError.Reason)
  }

  private let state = Lock(State())
  private var context: ChannelHandlerContext?
  /// Whether NIO must not accept because it has run out of resources.
  private var isPaused = false
  /// Called once, when the listener is closed, before its channel is.
  private let onClose: @Sendable (ListenerHandler, any Channel) -> Void

  init(onClose: @escaping @Sendable (ListenerHandler, any Channel) -> Void) { self.onClose = onClose }

  // MARK: Events of the channels

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    state.withLock { $0.channel = context.channel }
  }

  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func read(context: ChannelHandlerContext) {
    let mayAccept = state.withLock { state in
      state.isHeld = !state.mayAccept
      return !state.isHeld
    }
    if mayAccept { context.read() }
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let connection = unwrapInboundIn(data)
    let identity = ObjectIdentifier(connection)
    state.withLock { _ = $0.arriving.insert(identity) }
    // In case the connection ends before it becomes a stream.
    connection.closeFuture.whenComplete { _ in
      let isMissed = self.state.withLock { $0.arriving.remove(identity) != nil }
      if isMissed { self.resumeAccepting() }
    }
    context.fireChannelRead(data)
  }

  /// Delivers a connection that has become a stream. Must be called on its loop.
  func deliver(_ stream: NIOStream) {
    let (acceptor, isClosed) = state.withLock { state -> (Acceptor?, Bool) in
      state.arriving.remove(ObjectIdentifier(stream.handler.channel))
      if state.isClosed { return (nil, true) }
      if let acceptor = exchange(&state.acceptor, with: nil) { return (acceptor, false) }
      state.streams.append(stream)
      return (nil, false)
    }
    if isClosed { stream.close() }
    acceptor?.continuation.resume(returning: .stream(stream))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let code = (error as? NIOCore.IOError)?.errnoCode else { return }
    switch code {
    case EMFILE, ENFILE, ENOBUFS, ENOMEM:
      // The connection stays in the backlog, and NIO would retry again and again.
      isPaused = true
      try? context.channel.syncOptions?.setOption(.autoRead, value: false)
      let acceptor = state.withLock { state in
        state.isHeld = true
        return exchange(&state.acceptor, with: nil)
      }
      acceptor?.continuation.resume(returning: .shortage(code))
    case ECONNABORTED: break  // Only that connection failed.
    default: state.withLock { $0.failure = .system(code) }
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    let (acceptor, reason) = state.withLock { state in
      state.channel = nil
      let reason = state.failure ?? .closed
      state.failure = reason
      return (exchange(&state.acceptor, with: nil), reason)
    }
    acceptor?.continuation.resume(returning: .ended(reason))
    context.fireChannelInactive()
  }

  // MARK: Calls from tasks, on any thread

  /// Waits for a connection.
  func accept() async -> AcceptResult {
    let ticket = state.withLock { state in
      state.ticket += 1
      return state.ticket
    }
    return await withTaskCancellationHandler {
      await suspend(ticket)
    } onCancel: {
      let acceptor = state.withLock { state in
        state.acceptor?.ticket == ticket ? exchange(&state.acceptor, with: nil) : nil
      }
      acceptor?.continuation.resume(returning: .ended(.cancelled))
    }
  }

  private func suspend(_ ticket: Int) async -> AcceptResult {
    await withUnsafeContinuation { continuation in
      let result = state.withLock { state -> AcceptResult? in
        if let stream = state.streams.popFirst() { return .stream(stream) }
        if state.isClosed { return .ended(.closed) }
        if let reason = state.failure { return .ended(reason) }
        // See the wait for a stream.
        if Task.isCancelled { return .ended(.cancelled) }
        guard state.acceptor == nil else { return .ended(.busy) }
        state.acceptor = Acceptor(ticket: ticket, continuation: continuation)
        return nil
      }
      if let result { return continuation.resume(returning: result) }
      resumeAccepting()
    }
  }

  /// Lets NIO accept, if a task waits and NIO was refused before.
  private func resumeAccepting() {
    let channel = state.withLock { state -> (any Channel)? in
      guard state.mayAccept, exchange(&state.isHeld, with: false) else { return nil }
      return state.channel
    }
    channel?.eventLoop.execute {
      guard let context = self.context else { return }
      if exchange(&self.isPaused, with: false) {
        try? context.channel.syncOptions?.setOption(.autoRead, value: true)
      } else {
        context.read()
      }
    }
  }

  /// Stops listening.
  func close() {
    var streams = Ring<NIOStream>()
    let (acceptor, channel, isFirst) = state.withLock { state in
      streams = exchange(&state.streams, with: Ring())
      return (exchange(&state.acceptor, with: nil), state.channel, !exchange(&state.isClosed, with: true))
    }
    acceptor?.continuation.resume(returning: .ended(.closed))
    while let stream = streams.popFirst() { stream.close() }
    guard isFirst, let channel else { return }
    onClose(self, channel)
    channel.close(promise: nil)
  }

  /// Waits until the listening channel is closed.
  func waitUntilClosed() async {
    let channel = state.withLock { $0.channel }
    // The close future of a channel does not fail.
    try? await channel?.closeFuture.get()
  }
}

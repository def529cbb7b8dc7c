public import NIOCore
public import Runtime
import RuntimePrimitives

/// A stream on a NIO channel: a connection that a NIO server has accepted, or one of ``NIORuntime``.
///
/// It may be used from any task on any runtime. Reads and writes are cheapest in a task that runs on the channel's
/// event loop, as tasks of ``NIORuntime`` do once they have waited for it. The stream reads ahead by 64 KiB (and by
/// what the kernel holds, once the peer has finished). It is closed with the last reference.
public final class NIOStream: ByteStream {
  let handler: StreamHandler

  /// Creates a stream on a connected socket's channel.
  ///
  /// Call it on the channel's event loop, in the initializer of a bootstrap or later. The stream's handler is added
  /// last; no other handler may follow it. It enables automatic reads (`autoRead`), which the stream pauses if
  /// necessary, and half closure by the peer (`allowRemoteHalfClosure`).
  ///
  /// ```swift
  /// .childChannelInitializer { channel in
  ///   channel.eventLoop.makeCompletedFuture {
  ///     let stream = try NIOStream(channel)
  ///     runtime.execute { try? await server.serve(stream) }
  ///   }
  /// }
  /// ```
  ///
  /// - Throws: NIO's error if the channel is closed.
  public convenience init(_ channel: any Channel) throws {
    try self.init(StreamHandler(channel))
  }

  /// Adds `handler` to its channel.
  init(_ handler: StreamHandler) throws {
    let channel = handler.channel
    channel.eventLoop.preconditionInEventLoop()
    try channel.syncOptions?.setOption(.allowRemoteHalfClosure, value: true)
    try channel.syncOptions?.setOption(.autoRead, value: true)
    try channel.pipeline.syncOperations.addHandler(handler)
    self.handler = handler
  }

  deinit { handler.close() }

  public func waitUntilReadable() async throws(Runtime.IOError) {
    await handler.yieldIfTurnIsOver()
    try await handler.wait(for: .read)
  }

  public func waitUntilReadableOrClosed() async throws(Runtime.IOError) {
    await handler.yieldIfTurnIsOver()
    try await handler.waitUntilReadableOrClosed()
  }

  public func read(into buffer: inout OutputRawSpan) async throws(Runtime.IOError) -> Int {
    guard buffer.freeCapacity > 0 else { return 0 }
    await handler.yieldIfTurnIsOver()
    while true {
      if let bytes = try handler.tryRead(upTo: buffer.freeCapacity) { return buffer.append(bytes) }
      try await handler.wait(for: .read)
    }
  }

  public func tryRead(into buffer: inout OutputRawSpan) throws(Runtime.IOError) -> Int? {
    guard buffer.freeCapacity > 0 else { return 0 }
    if handler.state.withLock({ $0.refuses() }) { return nil }
    return try handler.tryRead(upTo: buffer.freeCapacity).map { buffer.append($0) }
  }

  public func writeSome(_ bytes: RawSpan) async throws(Runtime.IOError) -> Int {
    if bytes.isEmpty { return 0 }
    await handler.yieldIfTurnIsOver()
    while true {
      let count = try handler.tryWrite(bytes, RawSpan(), from: 0)
      if count > 0 { return count }
      try await handler.wait(for: .write)
    }
  }

  public func write(_ bytes: RawSpan) async throws(Runtime.IOError) {
    try await write(bytes, RawSpan())
  }

  public func write(_ first: RawSpan, _ second: RawSpan) async throws(Runtime.IOError) {
    var written = 0
    while written < first.byteCount + second.byteCount {
      await handler.yieldIfTurnIsOver()
      let count = try handler.tryWrite(first, second, from: written)
      written += count
      if count == 0 { try await handler.wait(for: .write) }
    }
  }

  public func tryWrite(_ bytes: RawSpan) throws(Runtime.IOError) -> Int {
    if handler.state.withLock({ $0.refuses() }) { return 0 }
    return try handler.tryWrite(bytes, RawSpan(), from: 0)
  }

  public func shutdownWrite() throws(Runtime.IOError) { try handler.shutdownOutput() }

  /// Closes both directions, at once for its users. Data written before is still sent, for up to half a minute.
  public func close() { handler.close() }

  public func closeAndWait() async {
    handler.close()
    await withTaskCancellationHandler {
      // The close future of a channel does not fail.
      try? await handler.channel.closeFuture.get()
    } onCancel: {
      handler.abort()
    }
  }

  public func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? {
    if type == PeerPresence.self { return handler.peerPresence as? Attribute }
    return type == PendingInput.self ? handler.pendingInput as? Attribute : nil
  }

  /// The peer's address; `nil` once the stream is closed, or if NIO does not know it.
  public var peerAddress: Runtime.SocketAddress? { handler.isOpen ? handler.addresses.peer : nil }

  /// The local address; `nil` once the stream is closed, or if NIO does not know it.
  public var localAddress: Runtime.SocketAddress? { handler.isOpen ? handler.addresses.local : nil }
}

extension OutputRawSpan {
  /// Appends `bytes`, which must fit.
  ///
  /// - Returns: their number.
  fileprivate mutating func append(_ bytes: ByteBuffer) -> Int {
    bytes.withUnsafeReadableBytes { source in
      withUnsafeMutableBytes { room, initialized in
        // No more bytes were taken than fit.
        UnsafeMutableRawBufferPointer(rebasing: room[initialized...]).copyMemory(from: source)
        initialized += source.count
      }
      return source.count
    }
  }
}

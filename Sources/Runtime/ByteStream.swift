/// A two-way stream of bytes: what hyper calls `rt::Read + rt::Write`.
///
/// A TCP or Unix-domain connection is one; so is a pair of pipes in memory, or a TLS session on top of another stream.
/// One task may read while another writes. Two that read at once, or two that write at once, is a mistake: where the
/// second would have to wait as well, it gets ``IOError/Reason/busy``.
///
/// An operation that can finish at once does not suspend (save to give others a turn after many in a row), and finishes
/// even in a task that has been cancelled. One that has to wait ends promptly with ``IOError/Reason/cancelled`` when its
/// task is cancelled, and with ``IOError/Reason/closed`` when the stream is closed. A cancelled read has taken nothing
/// from the stream, and a cancelled ``writeSome(_:)`` has written nothing; a cancelled ``write(_:)`` may have written a
/// part of its bytes.
public protocol ByteStream: Sendable {
  /// Waits until a read would not have to wait, so that an idle connection need hold no buffer.
  ///
  /// It may return without need; a read after it then waits. If ``tryRead(into:)`` gives `nil` because others are to have
  /// a turn, this gives it, so that a loop of the two reads on.
  func waitUntilReadable() async throws(IOError)

  /// Waits as ``waitUntilReadable()`` does, but may take no notice of its task's cancellation: the caller sees to it that
  /// the stream is closed then. To watch for cancellation costs something, which counts where it is done for every request.
  func waitUntilReadableOrClosed() async throws(IOError)

  /// Reads at least one byte, and no more than `buffer` has room for, appending to `buffer`.
  ///
  /// - Returns: how many bytes were read; 0 if and only if the peer has finished writing (or `buffer` has no room).
  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int

  /// Reads what is there, as ``read(into:)`` does, if that can be done in a plain call: without waiting.
  ///
  /// - Returns: `nil` where it cannot be known, or not be done, without waiting. The default is that. If it is `nil` only
  ///   because others are to have a turn, the next call reads on, however the task has waited in between.
  func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int?

  /// Writes at least one of `bytes`, waiting while the peer takes none.
  ///
  /// - Returns: how many bytes were written, from the first on; 0 if and only if there are none.
  func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int

  /// Writes all of `bytes`, waiting while the peer does not take them. The default calls ``writeSome(_:)`` until they are.
  func write(_ bytes: RawSpan) async throws(IOError)

  /// Writes all of `first` and then all of `second`, in one system call where the stream can (`writev`).
  func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError)

  /// Writes of `bytes` what can be written in a plain call: without waiting.
  ///
  /// The bytes that it does not take have to begin the next write, of whatever kind: a stream that frames what is written,
  /// as TLS does, may have begun a frame with them. There is no flush; what a write has taken is on its way.
  ///
  /// - Returns: how many bytes were written, from the first on; 0 where it cannot be known without waiting. The default
  ///   is that. If it is 0 only because others are to have a turn, the next call writes on, however the task has waited in
  ///   between.
  func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int

  /// Says that no more will be written: the peer reads 0 bytes once it has read the rest. Reading goes on.
  ///
  /// It may have to wait until the peer takes what says so, as a `close_notify` of TLS.
  func shutdownWrite() async throws(IOError)

  /// Closes the stream both ways, at once. What waits on it gets ``IOError/Reason/closed``; closing again does nothing.
  ///
  /// The peer may hear of it a moment later; ``closeAndWait()`` returns when the stream has been closed.
  func close()

  /// Closes the stream both ways, at once, as ``close()`` does, and says first what ``closeAndWait()`` says, if that can be
  /// done in a plain call: without waiting.
  ///
  /// It may be called from another task than those that read and write, and says nothing while one writes. The default calls
  /// ``close()``.
  func closeOrderly()

  /// Closes the stream both ways, once it has said to the peer what it still has to say by itself, as a `close_notify` of
  /// TLS. When the task is cancelled, it closes the stream at once: that is how to bound it.
  ///
  /// The default calls ``close()``, which is right for a stream that has nothing to say and closes at once.
  func closeAndWait() async

  /// What the stream knows of itself that other streams do not: the user at the other end, a negotiated protocol.
  ///
  /// - Returns: `nil` if it does not know of this. The default is that. A stream on top of another asks that one for what
  ///   it does not know itself.
  func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute?

  /// The other end's address, where there is such a thing.
  var peerAddress: SocketAddress? { get }

  /// This end's address, where there is such a thing.
  var localAddress: SocketAddress? { get }
}

extension ByteStream {
  public func waitUntilReadableOrClosed() async throws(IOError) { try await waitUntilReadable() }

  public func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int? { nil }

  public func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int { 0 }

  public func write(_ bytes: RawSpan) async throws(IOError) {
    var written = 0
    while written < bytes.byteCount { written += try await writeSome(bytes.extracting(droppingFirst: written)) }
  }

  public func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError) {
    try await write(first)
    try await write(second)
  }

  public func closeOrderly() { close() }

  public func closeAndWait() async { close() }

  public func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute? { nil }
  public var peerAddress: SocketAddress? { nil }
  public var localAddress: SocketAddress? { nil }
}

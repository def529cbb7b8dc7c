/// A bidirectional stream of bytes: what hyper calls `rt::Read + rt::Write`.
///
/// TCP and Unix-domain connections are byte streams, and so are a pair of in-memory pipes or a TLS session on top of
/// another stream. One task may read while another writes. Two concurrent reads, or two concurrent writes, are a
/// programming error: if the second would have to wait too, it fails with ``IOError/Reason/busy``.
///
/// An operation that can finish at once does not suspend (except to let other tasks run after many operations in a
/// row), and it succeeds even in a cancelled task. An operation that has to wait ends promptly with
/// ``IOError/Reason/cancelled`` when its task is cancelled, and with ``IOError/Reason/closed`` when the stream is
/// closed. A cancelled read has consumed no bytes, and a cancelled ``writeSome(_:)`` has written none. A cancelled
/// ``write(_:)`` may have written a part of its bytes.
public protocol ByteStream: Sendable {
  /// Waits until a read can proceed without waiting, so that an idle connection needs no buffer.
  ///
  /// It may return spuriously; the read that follows then waits. If ``tryRead(into:)`` returned `nil` to let other
  /// tasks run, this function lets them run and returns, so a loop of the two calls makes progress.
  func waitUntilReadable() async throws(IOError)

  /// Like ``waitUntilReadable()``, but may ignore the cancellation of its task. The caller has to close the stream on
  /// cancellation instead.
  ///
  /// It avoids the cost of a cancellation handler, which matters when it is paid for every request.
  func waitUntilReadableOrClosed() async throws(IOError)

  /// Reads at least one byte, at most as many as `buffer` has room for, and appends them to `buffer`.
  ///
  /// - Returns: the number of bytes read; 0 if and only if the peer has finished writing (or `buffer` has no room).
  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int

  /// Reads the available bytes like ``read(into:)``, but without suspending.
  ///
  /// - Returns: `nil` if the stream cannot read without waiting, or cannot tell. The default returns `nil`. If the
  ///   result is `nil` only to let other tasks run, the next call reads again, whatever the task waited for in between.
  func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int?

  /// Writes at least one of `bytes`, waiting while the peer accepts none.
  ///
  /// - Returns: the number of bytes written, counted from the first; 0 if and only if `bytes` is empty.
  func writeSome(_ bytes: RawSpan) async throws(IOError) -> Int

  /// Writes all of `bytes`, waiting while the peer does not accept them. The default calls ``writeSome(_:)`` until all
  /// are written.
  func write(_ bytes: RawSpan) async throws(IOError)

  /// Writes all of `first` and then all of `second`, in one system call if the stream supports it (`writev`).
  func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError)

  /// Writes as many of `bytes` as possible without suspending.
  ///
  /// The next write, of any kind, must begin with the bytes that this call did not accept: a framing stream, such as
  /// TLS, may have begun a frame with them. There is no flush: accepted bytes are on their way.
  ///
  /// - Returns: the number of bytes written, counted from the first; 0 if the stream cannot tell without waiting. The
  ///   default returns 0. If the result is 0 only to let other tasks run, the next call writes again, whatever the task
  ///   waited for in between.
  func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int

  /// Closes the write side: the peer reads 0 bytes after it has read the rest. Reads continue to work.
  ///
  /// It may have to wait until the peer accepts the end marker, such as the `close_notify` of TLS.
  func shutdownWrite() async throws(IOError)

  /// Closes both directions at once. Pending operations fail with ``IOError/Reason/closed``. Further calls have no
  /// effect.
  ///
  /// The peer may see the end slightly later. ``closeAndWait()`` returns once the stream is closed.
  func close()

  /// Closes both directions at once like ``close()``, and first sends the end marker of ``closeAndWait()`` if that is
  /// possible without suspending.
  ///
  /// It may be called from a task other than those that read and write. It sends nothing while another task writes. The
  /// default calls ``close()``.
  func closeOrderly()

  /// Sends the stream's own end marker, such as the `close_notify` of TLS, and then closes both directions.
  ///
  /// If the task is cancelled, it closes the stream at once, so cancellation bounds the wait. The default calls
  /// ``close()``, which is right for a stream that has no end marker and closes at once.
  func closeAndWait() async

  /// Returns a property that only some streams have, such as the peer's user or the negotiated protocol.
  ///
  /// - Returns: `nil` if the stream does not have the attribute. The default returns `nil`. A stream on top of another
  ///   forwards the attributes that it does not have itself.
  func attribute<Attribute: StreamAttribute>(_ type: Attribute.Type) -> Attribute?

  /// The peer's address, if it has one.
  var peerAddress: SocketAddress? { get }

  /// The local address, if there is one.
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

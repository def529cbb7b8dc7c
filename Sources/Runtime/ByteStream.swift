/// A two-way stream of bytes: what hyper calls `rt::Read + rt::Write`.
///
/// A TCP or Unix-domain connection is one; so is a pair of pipes in memory, or a TLS session on top of another stream.
/// One task may read while another writes. Two that read at once, or two that write at once, is a mistake: where the
/// second would have to wait as well, it gets ``IOError/Reason/busy``.
///
/// An operation that can finish at once does not suspend (save to give others a turn after many in a row), and finishes
/// even in a task that has been cancelled. One that has to wait ends promptly with ``IOError/Reason/cancelled`` when its
/// task is cancelled, and with ``IOError/Reason/closed`` when the stream is closed. A cancelled read has taken nothing
/// from the stream; a cancelled write may have written a part of its bytes.
public protocol ByteStream: Sendable {
  /// Waits until a read would not have to wait, so that an idle connection need hold no buffer.
  ///
  /// It may return without need; a read after it then waits. If ``tryRead(into:)`` gives `nil` because others are to have
  /// a turn, this gives it, so that a loop of the two reads on.
  func readable() async throws(IOError)

  /// Waits as ``readable()`` does, but may take no notice of its task's being cancelled: whoever calls it sees to it that
  /// the stream is closed then. To watch for that costs something, which counts where it is done for every request.
  func readableOrClosed() async throws(IOError)

  /// Reads at least one byte, and no more than `buffer` has room for, appending to `buffer`.
  ///
  /// - Returns: how many bytes were read; 0 if and only if the peer has finished writing (or `buffer` has no room).
  func read(into buffer: inout OutputRawSpan) async throws(IOError) -> Int

  /// Reads what is there, as ``read(into:)`` does, if that can be done in a plain call: without waiting.
  ///
  /// - Returns: `nil` where it cannot be known, or not be done, without waiting. The default is that.
  func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int?

  /// Writes all of `bytes`, waiting while the peer does not take them.
  func write(_ bytes: RawSpan) async throws(IOError)

  /// Writes all of `first` and then all of `second`, in one system call where the stream can (`writev`).
  func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError)

  /// Writes of `bytes` what can be written in a plain call: without waiting.
  ///
  /// - Returns: how many bytes were written, from the first on; 0 where it cannot be known without waiting. The default
  ///   is that.
  func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int

  /// Says that no more will be written: the peer reads 0 bytes once it has read the rest. Reading goes on.
  func shutdownWrite() throws(IOError)

  /// Closes the stream both ways. Whoever waits on it gets ``IOError/Reason/closed``; closing again does nothing.
  func close()

  /// The other end's address, where there is such a thing.
  var peerAddress: SocketAddress? { get }

  /// This end's address, where there is such a thing.
  var localAddress: SocketAddress? { get }
}

extension ByteStream {
  public func readableOrClosed() async throws(IOError) { try await readable() }

  public func tryRead(into buffer: inout OutputRawSpan) throws(IOError) -> Int? { nil }

  public func tryWrite(_ bytes: RawSpan) throws(IOError) -> Int { 0 }

  public func write(_ first: RawSpan, _ second: RawSpan) async throws(IOError) {
    try await write(first)
    try await write(second)
  }

  public var peerAddress: SocketAddress? { nil }
  public var localAddress: SocketAddress? { nil }
}

/// Accepts byte streams: a listening socket, or its like in memory.
public protocol StreamListener: Sendable {
  /// What a peer's connection becomes.
  associatedtype Stream: ByteStream

  /// The address it listens on, with the port that was chosen where port 0 was asked for.
  var localAddress: SocketAddress { get }

  /// Waits for the next connection.
  ///
  /// Ends with ``IOError/Reason/cancelled`` when the task is cancelled and ``IOError/Reason/closed`` when the listener
  /// is closed. A process that has run out of descriptors is no error: `accept` calls ``ListenOptions/onShortage`` and
  /// waits until it can go on.
  func accept() async throws(IOError) -> Stream

  /// Stops listening. Whoever waits in ``accept()`` gets ``IOError/Reason/closed``; closing again does nothing.
  func close()
}

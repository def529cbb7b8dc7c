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

  /// Stops listening. What waits in ``accept()`` gets ``IOError/Reason/closed``; closing again does nothing.
  ///
  /// The address may be free only a moment later; ``closeAndWait()`` returns when it is.
  func close()

  /// Stops listening, and returns when the address is free again. The default calls ``close()``, which is right for a
  /// listener that closes at once.
  func closeAndWait() async
}

extension StreamListener {
  public func closeAndWait() async { close() }
}

/// A listener that accepts byte streams: a listening socket, or an in-memory equivalent.
public protocol StreamListener: Sendable {
  /// The type of accepted connections.
  associatedtype Stream: ByteStream

  /// The address that the listener is bound to, with the port that the system chose if port 0 was requested.
  var localAddress: SocketAddress { get }

  /// Waits for the next connection.
  ///
  /// Fails with ``IOError/Reason/cancelled`` when the task is cancelled and ``IOError/Reason/closed`` when the listener
  /// is closed. Running out of descriptors is not an error: `accept` calls ``ListenOptions/onShortage`` and waits until
  /// it can continue.
  func accept() async throws(IOError) -> Stream

  /// Stops listening. Pending calls of ``accept()`` fail with ``IOError/Reason/closed``. Further calls have no effect.
  ///
  /// The address may become free slightly later. ``closeAndWait()`` returns once it is free.
  func close()

  /// Stops listening and returns once the address is free. The default calls ``close()``, which is right for a listener
  /// that closes at once.
  func closeAndWait() async
}

extension StreamListener {
  public func closeAndWait() async { close() }
}

public import Runtime

/// A mechanism that signals sockets when they become ready: the system-specific part of a runtime.
///
/// Any thread may call `add`, `remove`, `arm` and `wake`; only one thread at a time may poll. `PollerKind.makePoller()`
/// creates the library's own pollers.
public protocol Poller: AnyObject, Sendable {
  /// Watches `socket` until it is removed, and keeps it alive until then. The socket owns its number during this call
  /// and until ``remove(_:)`` returns.
  func add(_ socket: Socket) throws(IOError)

  /// Stops watching `socket`, which releases its descriptor only after this call.
  func remove(_ socket: Socket)

  /// Announces that a task is about to wait for `interest` of `socket`. An edge-triggered poller may ignore it.
  func arm(_ socket: Socket, _ interest: Interest)

  /// Waits up to `timeout` nanoseconds (`nil`: forever; 0: not at all) and signals the sockets that have become ready.
  ///
  /// - Returns: the number of signalled sockets.
  @discardableResult
  func poll(timeout: Int64?) -> Int

  /// Makes the poll in progress, or else the next one, return early.
  func wake()

  /// Closes all watched sockets. Tasks that wait for one fail with `closed`.
  func closeSockets()

  /// Closes the poller's own descriptors. Call it after the last poll. Afterwards `add` fails, and other calls do
  /// nothing.
  func close()
}

/// A direction of a socket.
@frozen
public enum Interest: UInt8, Sendable {
  /// Readable, or at the end of the stream.
  case read
  /// Writable, or failed for good.
  case write
}

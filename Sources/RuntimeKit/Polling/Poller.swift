public import Runtime

/// Tells sockets when the kernel has something for them: the part of a runtime that knows how this system does it.
///
/// Any thread may add, remove, arm and wake; one thread at a time polls. `PollerKind.makePoller()` makes those that the
/// library has.
public protocol Poller: AnyObject, Sendable {
  /// Watches `socket` until it is removed, and keeps it alive as long. Its number is its own during this call, and until
  /// ``remove(_:)`` returns.
  func add(_ socket: Socket) throws(IOError)

  /// Stops watching `socket`, which gives its descriptor back only after this call.
  func remove(_ socket: Socket)

  /// Says that a task is about to wait for `interest` of `socket`. Pollers that report every edge need not be told.
  func arm(_ socket: Socket, _ interest: Interest)

  /// Waits up to `timeout` nanoseconds (`nil`: for ever; 0: not at all) and signals the sockets that have become ready.
  ///
  /// - Returns: how many were signalled.
  @discardableResult
  func poll(timeout: Int64?) -> Int

  /// Makes the poll that is under way, or else the next, return early.
  func wake()

  /// Closes every socket that is being watched. A task that waits on one gets `closed`.
  func closeSockets()

  /// Gives its own descriptors back. After the last poll; adding fails then, and the rest does nothing.
  func close()
}

/// A direction of a socket.
@frozen
public enum Interest: UInt8, Sendable {
  /// Something can be read, or there will be no more.
  case read
  /// Something can be written, or never again.
  case write
}

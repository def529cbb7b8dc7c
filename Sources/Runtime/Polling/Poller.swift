/// Tells sockets when the kernel has something for them: the part of a runtime that knows how this system does it.
///
/// Any thread may add, remove, arm and wake; one thread at a time polls.
package protocol Poller: AnyObject, Sendable {
  /// Watches `socket` until it is removed, and keeps it alive as long.
  func add(_ socket: Socket) throws(IOError)

  /// Stops watching `socket`, which must not have given its descriptor back yet.
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

  /// Closes every socket that is being watched: whoever waits on one gets `closed`.
  func closeSockets()

  /// Gives its own descriptors back. After the last poll; adding fails then, and the rest does nothing.
  func close()
}

/// A direction to be ready in.
package enum Interest: UInt8, Sendable {
  case read, write
}

import Glibc
public import Runtime

extension PollerKind {
  /// Creates a poller of this kind.
  ///
  /// - Throws: the system's error if a descriptor cannot be created; `ENOSYS` if the system has no such poller.
  public func makePoller() throws(IOError) -> any Poller {
    guard self == .epoll else { return try PollPoller() }
    #if os(Linux)
      return try EpollPoller()
    #else
      throw IOError(.poll, .system(ENOSYS))
    #endif
  }
}

/// Converts a timeout in nanoseconds (`nil` for none) to the milliseconds of epoll and poll(2).
///
/// It is rounded up, so that a timer is never early. A timeout that is too long is clamped, and the caller waits again.
package func milliseconds(_ nanoseconds: Int64?) -> Int32 {
  guard let nanoseconds else { return -1 }
  let rounded = nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 > 0 ? 1 : 0)
  return Int32(clamping: rounded)
}

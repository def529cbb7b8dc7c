import Glibc
public import Runtime

extension PollerKind {
  /// A new poller of this kind.
  ///
  /// - Throws: what the system says if it has no descriptor to give, or `ENOSYS` if it has no such poller.
  public func makePoller() throws(IOError) -> any Poller {
    guard self == .epoll else { return try PollPoller() }
    #if os(Linux)
      return try EpollPoller()
    #else
      throw IOError(.poll, .system(ENOSYS))
    #endif
  }
}

/// A timeout in nanoseconds, `nil` for none, as epoll and poll(2) take it.
///
/// Rounded up, so that a timer is never early; a wait too long for the call is cut, and its caller looks again.
package func milliseconds(_ nanoseconds: Int64?) -> Int32 {
  guard let nanoseconds else { return -1 }
  let rounded = nanoseconds / 1_000_000 + (nanoseconds % 1_000_000 > 0 ? 1 : 0)
  return Int32(clamping: rounded)
}

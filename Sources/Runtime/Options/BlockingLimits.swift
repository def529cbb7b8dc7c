/// Limits on a runtime's blocking work. A call beyond them fails with ``BlockingWorkRefused``.
///
/// Work that waits for other blocking work of the same runtime occupies its thread while it waits. If all ``threads``
/// do so, the work they wait for stays queued, and none of them continues until a wait is cancelled or the runtime is
/// shut down. Do the inner work in the same call instead, or return from the blocking call first. With ``queued`` set
/// to 0 the inner call fails at once in that case.
public struct BlockingLimits: Hashable, Sendable {
  /// The maximum number of threads for blocking work, at least 1. The default, 512, is much larger than the number of
  /// cores, since these threads mostly sleep in the kernel. tokio has the same default.
  public var threads: Int
  /// The maximum number of calls that wait for a thread. The default, 4096, is eight per thread: enough for a burst, at
  /// most 10 MB together with the waiting tasks. With 0 a call fails unless a thread is idle or can be started.
  public var queued: Int

  /// Creates limits of `threads` threads and `queued` waiting calls.
  public init(threads: Int = 512, queued: Int = 4096) {
    self.threads = threads
    self.queued = queued
  }
}

/// How much blocking work a runtime takes on at once. A call beyond that fails with ``BlockingWorkRefused``.
///
/// Work that waits for other blocking work of the same runtime keeps its thread while it waits. If all ``threads`` do
/// that, the work they wait for stays queued, and none of them goes on until a wait is cancelled or the runtime is shut
/// down. Do the inner work in the same call instead, or leave the blocking call before you ask for more. With ``queued``
/// set to 0 the inner call fails at once in that case.
public struct BlockingLimits: Hashable, Sendable {
  /// The most threads for blocking work, at least 1. The default, 512, is many more than processors, since such threads
  /// mostly sleep in the kernel; it is tokio's figure too.
  public var threads: Int
  /// The most calls that wait for a thread while all threads are busy. The default, 4096, is eight for each thread: as
  /// many as a burst may bring, and no more than 10 MB with the tasks that wait. With 0 a call fails unless a thread is
  /// free for it or may be started.
  public var queued: Int

  /// Limits of `threads` threads and `queued` calls that wait.
  public init(threads: Int = 512, queued: Int = 4096) {
    self.threads = threads
    self.queued = queued
  }
}

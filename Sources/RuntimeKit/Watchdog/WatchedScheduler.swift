import Runtime

/// A scheduler that a ``Watchdog`` observes. The watchdog's thread calls its methods, except for
/// ``relieve(in:while:)``, which runs on the threads of relief workers.
public protocol WatchedScheduler: AnyObject, Sendable {
  /// The lanes of the scheduler's own workers. They never change.
  var lanes: [Lane] { get }

  /// Whether a job waits that any thread could run.
  var hasWaitingJobs: Bool { get }

  /// Performs the duties of a stuck lane's thread: polls its sockets and fires its timers.
  func cover(_ lane: Int)

  /// Runs waiting jobs on the calling thread, in `lane`, until there are none or relief is no longer needed.
  func relieve(in lane: Lane, while isNeeded: () -> Bool)
}

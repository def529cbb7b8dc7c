import Runtime

/// A scheduler, as its ``Watchdog`` sees it. The watchdog's thread calls it, and ``relieve(in:while:)`` is called on the
/// threads of relief workers.
public protocol WatchedScheduler: AnyObject, Sendable {
  /// The lanes of its own workers. It is always the same ones.
  var lanes: [Lane] { get }

  /// Whether a job waits that any thread could run.
  var hasWaitingJobs: Bool { get }

  /// Does for a lane that is stuck in one job what only its own thread would do: polls its sockets and fires its timers.
  func cover(_ lane: Int)

  /// Runs jobs that wait on the calling thread, in `lane`, until there are none or relief is not needed any more.
  func relieve(in lane: Lane, while isNeeded: () -> Bool)
}

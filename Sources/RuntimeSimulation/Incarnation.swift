/// One life of a host, from its start to its end, with the tasks that belong to it.
///
/// A host that is started again gets a new one, which leftovers of an earlier life cannot affect.
final class Incarnation: @unchecked Sendable {  // Only the simulation's thread touches it.
  /// The numbers of tasks that were started on the host, have begun and have not ended.
  var tasks: Set<Int> = []
  /// The number of tasks that have not ended, including those that have not begun.
  var taskCount = 0
  /// Callers of a shutdown that wait for the tasks to end.
  var shutdownWaiters: [Waiter] = []
  /// Tasks that have called for the shutdown, which does not wait for them.
  var shutdownCallers: [SimulatedTask] = []
  /// Whether the host has been shut down.
  var isClosed = false
  /// Whether the host has crashed. None of the tasks runs again.
  private(set) var isDead = false
  /// The number of blocking calls that run or wait.
  var blockingCount = 0
  /// The number of blocking calls that were refused.
  var refusedBlockingCalls = 0

  /// Removes and returns the waiters for the end of the tasks.
  func takeShutdownWaiters() -> [Waiter] { exchange(&shutdownWaiters, with: []) }

  func markDead() {
    (isClosed, isDead) = (true, true)
    (tasks, taskCount, shutdownCallers) = ([], 0, [])
  }
}

/// A task that was started on a host. The task itself, its child tasks and what it starts with `Task { }` know it.
final class SimulatedTask: @unchecked Sendable {  // Only the simulation's thread touches it.
  @TaskLocal static var current: SimulatedTask?
  unowned let host: SimulatedHost
  let incarnation: Incarnation
  var isOver = false

  init(_ host: SimulatedHost, _ incarnation: Incarnation) {
    self.host = host
    self.incarnation = incarnation
  }
}

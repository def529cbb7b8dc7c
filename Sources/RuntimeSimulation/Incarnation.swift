/// One life of a host, from its start to its end, with the tasks that belong to it.
///
/// A host that is started again has another one. What is left of an earlier life has no hold on the later.
final class Incarnation: @unchecked Sendable {  // The simulation's thread alone touches it.
  /// Tasks that were started on the host and have not ended: by number, once they have begun.
  var tasks: Set<Int> = []
  /// How many there are, those among them that have not begun.
  var taskCount = 0
  /// Those that wait for the tasks to end.
  var shutdowns: [Waiter] = []
  /// The tasks that have called for the shutdown, and are not waited for.
  var excused: [SimulatedTask] = []
  /// Whether the host has been shut down.
  var isClosed = false
  /// Whether the host has crashed: none of the tasks runs again.
  private(set) var isDead = false
  /// Blocking work that waits for its turn.
  var blockingCount = 0
  /// Calls that were refused because that was too much.
  var refusedBlockingCalls = 0

  /// Takes those that wait for the tasks to end.
  func takeShutdowns() -> [Waiter] { exchange(&shutdowns, with: []) }

  func die() {
    (isClosed, isDead) = (true, true)
    (tasks, taskCount, excused) = ([], 0, [])
  }
}

/// A task that was started on a host, as it is known to itself, to its children and to what it starts with `Task { }`.
final class SimulatedTask: @unchecked Sendable {  // The simulation's thread alone touches it.
  @TaskLocal static var current: SimulatedTask?
  unowned let host: SimulatedHost
  let incarnation: Incarnation
  var isOver = false

  init(_ host: SimulatedHost, _ incarnation: Incarnation) {
    self.host = host
    self.incarnation = incarnation
  }
}

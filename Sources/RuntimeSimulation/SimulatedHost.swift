import Runtime
import RuntimePrimitives

/// What a simulation knows of one of its hosts.
final class SimulatedHost: @unchecked Sendable {  // The simulation's thread alone touches it.
  let number: Int
  let address: IPv4Address
  let skew: ClockSkew
  unowned let simulation: Simulation

  /// Tasks that were started here and have not ended: by number, once they have begun.
  private(set) var tasks: Set<Int> = []
  /// How many there are, those among them that have not begun.
  private(set) var taskCount = 0
  private var shutdowns: [Waiter] = []
  /// The tasks that have called for the shutdown, and are not waited for.
  private var excused: [SimulatedTask] = []
  private(set) var isClosed = false
  /// The port that was given out last.
  var lastPort: UInt16 = 49_151
  /// How many connections it has asked for.
  var connectionCount = 0
  /// Blocking work that waits for its turn.
  var blockingCount = 0
  /// Calls that were refused because that was too much.
  var refusedBlockingCalls = 0
  static let blockingLimits = BlockingLimits()

  /// A task that was started on a host, as it is known to itself, to its children and to what it starts with `Task { }`.
  private final class SimulatedTask: @unchecked Sendable {  // The simulation's thread alone touches it.
    @TaskLocal static var current: SimulatedTask?
    unowned let host: SimulatedHost
    var isOver = false

    init(_ host: SimulatedHost) { self.host = host }
  }

  init(number: Int, address: IPv4Address, skew: ClockSkew, simulation: Simulation) {
    self.number = number
    self.address = address
    self.skew = skew
    self.simulation = simulation
  }

  // MARK: Tasks

  /// The host that the calling task was started on, or a task that has started it.
  static var current: SimulatedHost? { SimulatedTask.current?.host }

  func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    simulation.perform { self.taskCount += 1 }
    let counted = { [self, simulation] in
      let number = simulation.journal.task
      let task = SimulatedTask(self)
      tasks.insert(number)
      simulation.journal.askTask(startedOn: self)
      defer {
        tasks.remove(number)
        task.isOver = true
        excused.removeAll { $0 === task }
        taskCount -= 1
        wakeShutdowns()
      }
      return try await SimulatedTask.$current.withValue(task, operation: operation)
    }
    return ExecutorPreference(simulation).spawn(options, counted)
  }

  // MARK: Ending

  /// Closes all there is on this host, ends its sleeps, and waits for its tasks.
  func shutdown(grace: Duration) async {
    if !isClosed {
      isClosed = true
      simulation.journal.record(.ended(self))
      simulation.network.closeAll(on: self)
      for waiter in simulation.waiters where waiter.host == number {
        if case .sleep = waiter.reason { simulation.wake(waiter, .closed) }
      }
    }
    if let task = SimulatedTask.current, !task.isOver, task.host === self, !excused.contains(where: { $0 === task }) {
      excused.append(task)
      wakeShutdowns()
    }
    let end = MonotonicTime.deadline(after: max(0, grace.nanoseconds), from: simulation.now)
    while taskCount > excused.count, simulation.now < end {
      let wake = await simulation.wait(on: number, for: .tasks(of: number), until: end) { shutdowns.append($0) }
      if case .cancelled = wake { break }
    }
  }

  private func wakeShutdowns() {
    for waiter in shutdowns { simulation.wake(waiter, .ready) }
    shutdowns = []
  }

  func checkOpen(_ operation: IOError.Operation) throws(IOError) {
    simulation.assertCurrent()
    if isClosed { throw IOError(operation, .closed) }
  }
}

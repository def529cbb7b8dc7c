import Runtime
import RuntimePrimitives

/// One host of a simulation, as the simulation sees it.
final class SimulatedHost: @unchecked Sendable {  // Only the simulation's thread touches it.
  let number: Int
  let address: IPv4Address
  let skew: ClockSkew
  unowned let simulation: Simulation

  /// The host's life since its last start or crash.
  var incarnation = Incarnation()
  /// The files on its disk.
  let directory: DiskDirectory
  /// The program that runs at each start.
  var program: (@Sendable (SimulatedRuntime) async throws -> Void)?
  /// Whether it has crashed and has not been started since.
  var hasCrashed = false
  /// Whether packets to the host get no answer.
  var isSilent = false
  /// The number of crashes, and of those by chance.
  var crashCount = 0
  var chanceCrashCount = 0
  /// The ends of connections that the host had when it crashed silently.
  var lostEnds: [(end: ConnectionEnd, connection: SimulatedConnection)] = []
  /// Called once the host answers again.
  var waitingForStart: [() -> Void] = []
  /// The last ephemeral port that was assigned.
  var lastPort: UInt16 = 49_151
  /// The number of connections that the host has asked for.
  var connectionCount = 0
  static let blockingLimits = BlockingLimits()

  init(number: Int, address: IPv4Address, skew: ClockSkew, simulation: Simulation) {
    self.number = number
    self.address = address
    self.skew = skew
    self.simulation = simulation
    directory = DiskDirectory(host: number)
  }

  // MARK: Tasks

  /// The host on which the calling task, or the task that started it, was spawned.
  static var current: SimulatedHost? { SimulatedTask.current?.host }
  /// The numbers of tasks that were spawned here, have begun and have not ended.
  var tasks: Set<Int> { incarnation.tasks }
  /// The number of tasks that have not ended, including those that have not begun.
  var taskCount: Int { incarnation.taskCount }
  var isClosed: Bool { incarnation.isClosed }

  func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    // A task that still runs after a crash may spawn others: they belong to its own incarnation, not to the next.
    let owner = simulation.isCurrent ? simulation.owners.ownerOfNewTask(on: self) : nil
    if let owner { owner.taskCount += 1 } else { simulation.perform { self.incarnation.taskCount += 1 } }
    let counted = { [self, simulation] in
      let incarnation = owner ?? incarnation
      let number = simulation.journal.task
      let task = SimulatedTask(self, incarnation)
      incarnation.tasks.insert(number)
      simulation.journal.recordTaskIdentity(startedOn: self)
      defer {
        incarnation.tasks.remove(number)
        task.isOver = true
        incarnation.shutdownCallers.removeAll { $0 === task }
        incarnation.taskCount -= 1
        wakeShutdownWaiters(of: incarnation)
      }
      return try await SimulatedTask.$current.withValue(task, operation: operation)
    }
    if let owner { simulation.owners.beginCreatingTasks(for: owner) }
    defer { if owner != nil { simulation.owners.endCreatingTasks() } }
    return ExecutorPreference(simulation).spawn(options, counted)
  }

  // MARK: Ending

  /// Closes everything on this host, ends its sleeps, and waits for its tasks.
  func shutdown(grace: Duration) async {
    let incarnation = incarnation
    if !incarnation.isClosed {
      incarnation.isClosed = true
      simulation.journal.record(.ended(self))
      simulation.network.closeAll(on: self)
      for waiter in simulation.waiters where waiter.host == number {
        if case .sleep = waiter.reason { simulation.wake(waiter, .closed) }
      }
    }
    if let task = SimulatedTask.current, !task.isOver, task.incarnation === incarnation,
      !incarnation.shutdownCallers.contains(where: { $0 === task })
    {
      incarnation.shutdownCallers.append(task)
      wakeShutdownWaiters(of: incarnation)
    }
    let end = MonotonicTime.deadline(after: max(0, grace.nanoseconds), from: simulation.now)
    while incarnation.taskCount > incarnation.shutdownCallers.count, simulation.now < end {
      let wake = await simulation.wait(on: number, for: .tasks(of: number), until: end) {
        incarnation.shutdownWaiters.append($0)
      }
      if case .cancelled = wake { break }
    }
  }

  private func wakeShutdownWaiters(of incarnation: Incarnation) {
    for waiter in incarnation.takeShutdownWaiters() { simulation.wake(waiter, .ready) }
  }

  func checkOpen(_ operation: IOError.Operation) throws(IOError) {
    simulation.assertCurrent()
    if isClosed || simulation.owners.isCurrentDead { throw IOError(operation, .closed) }
  }
}

extension SimulatedHost: CustomReflectable {
  /// Empty: the simulation that a host refers to may have ended.
  public var customMirror: Mirror { Mirror(self, children: []) }
}

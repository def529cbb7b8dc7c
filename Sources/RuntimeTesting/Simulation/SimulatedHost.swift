import Runtime

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
  private(set) var isClosed = false
  /// The port that was given out last.
  var lastPort: UInt16 = 49_151
  /// Blocking work that waits for its turn.
  var blockingCount = 0
  /// Calls that were refused because that was too much.
  var refusedBlockingCalls = 0
  static let blockingLimits = BlockingLimits()

  /// Which host's task this is.
  @TaskLocal static var current: SimulatedHost?

  init(number: Int, address: IPv4Address, skew: ClockSkew, simulation: Simulation) {
    self.number = number
    self.address = address
    self.skew = skew
    self.simulation = simulation
  }

  // MARK: Tasks

  func spawn<Success: Sendable>(
    _ operation: sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    simulation.perform { self.taskCount += 1 }
    return Task.detached(executorPreference: simulation) { [self, simulation] in
      let number = simulation.journal.task
      tasks.insert(number)
      defer {
        tasks.remove(number)
        taskCount -= 1
        for waiter in shutdowns { simulation.wake(waiter, .ready) }
        shutdowns = []
      }
      return try await Self.$current.withValue(self, operation: operation)
    }
  }

  // MARK: Ending

  /// Closes all there is on this host, ends its sleeps, and waits for its tasks.
  func shutdown(grace: Duration) async {
    if !isClosed {
      isClosed = true
      simulation.journal.record(.ended(host: number))
      simulation.network.closeAll(on: self)
      for waiter in simulation.waiters where waiter.host == number {
        if case .sleep = waiter.reason { simulation.wake(waiter, .closed) }
      }
    }
    let rest = Self.current === self ? 1 : 0
    let end = deadline(grace.nanoseconds, after: simulation.now)
    while taskCount > rest, simulation.now < end {
      let wake = await simulation.wait(on: number, for: .tasks(of: number), until: end) { shutdowns.append($0) }
      if case .cancelled = wake { break }
    }
  }

  func checkOpen(_ operation: IOError.Operation) throws(IOError) {
    simulation.assertCurrent()
    if isClosed { throw IOError(operation, .closed) }
  }
}

import Runtime
import RuntimePrimitives

extension SimulatedHost {
  /// Runs `program` now and at each start.
  func run(_ program: @escaping @Sendable (SimulatedRuntime) async throws -> Void) {
    self.program = program
    start()
    scheduleCrash(from: 0)
  }

  private func start() {
    guard let program else { return }
    let runtime = SimulatedRuntime(simulation, self)
    let incarnation = incarnation
    let options = TaskOptions(name: "the program of host \(number)", inheritsTaskLocals: true)
    _ = spawn(options) { [simulation] in
      do {
        try await program(runtime)
      } catch {
        if !incarnation.isClosed { simulation.programError = error }
      }
    }
  }

  /// Crashes the host.
  func crash(_ connections: CrashedConnections?) {
    guard !hasCrashed else { return }
    hasCrashed = true
    crashCount += 1
    let isSilent = connections.map { $0 == .silent } ?? simulation.network.faults.coin(number, crashCount)
    simulation.journal.record(.crashed(self, isSilent ? .silent : .reset))
    replaceIncarnation()
    incarnation.isClosed = true
    self.isSilent = isSilent
    simulation.network.crash(self)
    directory.crash(simulation.network)
    // The test's own waiting tasks.
    for waiter in simulation.waiters where waiter.host == number { simulation.wake(waiter, .closed) }
  }

  /// Ends this incarnation, whose tasks never run again, and begins the next.
  private func replaceIncarnation() {
    let dead = incarnation
    let shutdownWaiters = dead.takeShutdownWaiters()
    simulation.owners.markDead(dead)
    incarnation = Incarnation()
    for waiter in simulation.waiters where waiter.owner === dead { simulation.drop(waiter) }
    for waiter in shutdownWaiters { simulation.wake(waiter, .ready) }
  }

  func restart() {
    if isClosed, !hasCrashed { replaceIncarnation() } else { crash(nil) }
    (hasCrashed, incarnation.isClosed) = (false, false)
    simulation.journal.record(.restarted(self))
    if isSilent {
      isSilent = false
      simulation.network.handleRestart(of: self)
    }
    start()
  }

  // MARK: Crashes by chance

  /// Schedules a crash in the first period from `number` on for which the seed has one.
  private func scheduleCrash(from number: Int) {
    let network = simulation.network
    let plan = network.faults.plan
    let period = plan.crashPeriod.nanoseconds
    guard plan.crashes > 0, period > 0, chanceCrashCount < plan.mostCrashes else { return }
    let first = max(number, Int(simulation.now / period))
    for number in first..<first + Self.periodsAhead {
      let place = Fault.Place(owner: self.number, occasion: number)
      guard let fault = network.faults.predictFault(.crash, plan.crashes, at: place) else { continue }
      let time = Int64(number) * period + Int64(network.faults.amount(fault, upTo: Int(period - 1)))
      guard time >= simulation.now else { continue }
      return network.schedule(at: time) { [self] in
        if program != nil, !isClosed { crash(by: fault) }
        scheduleCrash(from: number + 1)
      }
    }
  }

  /// The number of periods in which to look for the next crash.
  private static let periodsAhead = 1000

  private func crash(by fault: Fault) {
    let network = simulation.network
    chanceCrashCount += 1
    network.record(fault)
    crash(nil)
    let count = crashCount
    let outage = network.faults.amount(fault, upTo: Int(network.faults.plan.longestOutage.nanoseconds), 2)
    network.schedule(at: simulation.now + Int64(outage)) { [self] in
      // The test may have restarted the host already.
      if program != nil, hasCrashed, crashCount == count { restart() }
    }
  }
}

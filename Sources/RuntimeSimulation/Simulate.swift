import Glibc
import Runtime
import RuntimePrimitives

/// Runs `body` in a simulation for each of `seeds`, one after another, on a thread of its own: a test of what the code
/// does whatever the order of things, and whatever goes wrong.
///
/// `body` is called with the runtime of a first host, at time zero, in a task that has the task-local values of the
/// caller. When it has ended, all hosts are shut down; tasks that are left then make the run fail.
///
/// Where the environment variable `SIMULATION_SEED` is set, that seed is the only one, and where `SIMULATION_TRACE` is set,
/// what happened in the last run, or in the one that failed, is written to the file of that name. Where `SIMULATION_PICTURE`
/// is set, a run that fails is drawn into the file of that name (``SimulationFailure/picture``).
///
/// Cancelling the task ends the run that is under way.
///
/// - Parameters:
///   - schedule: how it is chosen whose turn it is.
///   - faults: what goes wrong in the network.
///   - limits: when a run has taken too long.
/// - Throws: ``SimulationFailure`` for the first run that does not end well, with no more faults than that takes, or
///   `CancellationError`.
public func simulate(
  seeds: some Sequence<UInt64> & Sendable, schedule: Schedule = .random, faults: FaultPlan = .none,
  limits: SimulationLimits = SimulationLimits(), _ body: @escaping @Sendable (SimulatedRuntime) async throws -> Void
) async throws {
  let scenario = Scenario(schedule: schedule, faults: faults, limits: limits, body: body)
  try await onSimulationThread { thread in
    if let seed = try Environment.seed() {
      _ = try await scenario.run(seed, on: thread)
    } else {
      for seed in seeds { _ = try await scenario.run(seed, on: thread) }
    }
  }
}

/// Runs `body` in one simulation, as ``simulate(seeds:schedule:faults:limits:_:)`` does in many.
///
/// - Returns: what happened; in the last run, where the schedule takes two.
@discardableResult
public func simulate(
  seed: UInt64, schedule: Schedule = .random, faults: FaultPlan = .none,
  limits: SimulationLimits = SimulationLimits(), _ body: @escaping @Sendable (SimulatedRuntime) async throws -> Void
) async throws -> SimulationReport {
  let scenario = Scenario(schedule: schedule, faults: faults, limits: limits, body: body)
  return try await onSimulationThread { thread in try await scenario.run(Environment.seed() ?? seed, on: thread) }
}

/// A run that ended well.
public struct SimulationReport: Sendable {
  /// The seed that gives the same run again.
  public let seed: UInt64
  /// How much time passed in it.
  public let duration: Duration
  /// How many jobs were run.
  public let jobs: Int
  /// How often there was a choice whose turn it was.
  public let choices: Int
  /// How many were ready at each choice, where the schedule keeps that.
  let widths: [Int]
  /// What went wrong in the network.
  public let faults: [Fault]
  let hosts: [SimulatedHost]
  let journal: Journal

  fileprivate init(_ simulation: Simulation) {
    seed = simulation.seed
    duration = .nanoseconds(simulation.now)
    jobs = simulation.jobCount
    choices = simulation.turns.choiceCount
    widths = (simulation.turns as? OrderedTurns)?.widths ?? []
    faults = simulation.network.faults.fired
    hosts = simulation.network.hosts
    journal = simulation.journal
  }

  /// What happened, event by event: the same in each run with the same seed.
  public var trace: SimulationTrace { SimulationTrace(journal) }
}

/// Runs `body` in a task whose executor is a new simulation thread.
func onSimulationThread<Success: Sendable>(
  _ body: @escaping @Sendable (SimulationThread) async throws -> Success
) async throws -> Success {
  let thread = try SimulationThread()
  defer { thread.end() }
  let conductor = Task(executorPreference: thread) { try await body(thread) }
  return try await withTaskCancellationHandler {
    try await conductor.value
  } onCancel: {
    conductor.cancel()
  }
}

/// What is run with one seed after another.
struct Scenario: Sendable {
  let schedule: Schedule
  let faults: FaultPlan
  let limits: SimulationLimits
  let body: @Sendable (SimulatedRuntime) async throws -> Void

  func run(_ seed: UInt64, on thread: SimulationThread) async throws -> SimulationReport {
    switch schedule {
    case .random: return try await run(seed, .random, on: thread)
    case .inTurn(let exceptions): return try await run(seed, .inTurn(except: exceptions), on: thread)
    case .priorities(let depth):
      let choices = try await run(seed, .random, on: thread).choices
      return try await run(seed, .priorities(depth: depth, choices: choices), on: thread)
    }
  }

  /// Runs it once; if it fails, again and again, to find out what it takes.
  func run(_ seed: UInt64, _ course: Course, on thread: SimulationThread) async throws -> SimulationReport {
    do {
      return try await attempt(seed, course, only: nil, on: thread)
    } catch let failure as SimulationFailure {
      let failure = await shrink(failure, course, on: thread)
      // The last run may have been one with fewer faults, which did not fail.
      try Environment.write(failure.journal)
      try Environment.draw(failure)
      throw failure
    }
  }

  /// One run, in which no faults happen but those in `only`.
  private func attempt(
    _ seed: UInt64, _ course: Course, only: Set<Fault>?, on thread: SimulationThread
  ) async throws -> SimulationReport {
    try Task.checkCancellation()
    let simulation = Simulation(
      seed: seed, turns: course.turns(seed: seed), faults: faults, only: only, limits: limits)
    let runtime = SimulatedRuntime(simulation, simulation.network.addHost(nil, skew: ClockSkew()))
    let run = Run(simulation)
    let task = Task(executorPreference: simulation) {
      do {
        try await body(runtime)
        run.outcome = .success(())
      } catch {
        run.outcome = .failure(error)
      }
    }
    defer { simulation.forgetIfTasksAreDead() }
    let isCancelled = Flag()
    await withTaskCancellationHandler {
      await thread.run { run.perform(task, isCancelled: { isCancelled.isSet }) }
    } onCancel: {
      isCancelled.set()
    }
    try Environment.write(simulation.journal)
    try Task.checkCancellation()
    if var failure = run.failure {
      failure.schedule = course.schedule
      throw failure
    }
    return SimulationReport(simulation)
  }

  /// Leaves out faults for as long as the run fails without them as it did with them: halves, then quarters, and so on
  /// (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002).
  private func shrink(
    _ failure: SimulationFailure, _ course: Course, on thread: SimulationThread
  ) async -> SimulationFailure {
    var failure = failure
    let count = failure.faults.count
    var pieces = 2
    var runs = 0
    search: while failure.faults.count > 0, runs < limits.shrinkingRuns {
      let faults = failure.faults
      let size = max(1, (faults.count + pieces - 1) / pieces)
      for start in stride(from: 0, to: faults.count, by: size) where runs < limits.shrinkingRuns {
        let rest = faults[..<start] + faults[min(start + size, faults.count)...]
        runs += 1
        do {
          _ = try await attempt(failure.seed, course, only: Set(rest), on: thread)
        } catch let smaller as SimulationFailure {
          guard smaller.cause.isLike(failure.cause) else { continue }
          failure = smaller
          pieces = max(2, pieces - 1)
          continue search
        } catch {
          break search  // Cancelled: what has been found so far is better than nothing.
        }
      }
      if size == 1 { break }
      pieces = min(pieces * 2, faults.count)
    }
    failure.faultCount = count
    return failure
  }
}

/// The course of one run.
private final class Run: @unchecked Sendable {  // The simulation's thread alone touches it.
  private let simulation: Simulation
  var outcome: Result<Void, any Error>?
  private(set) var failure: SimulationFailure?

  init(_ simulation: Simulation) { self.simulation = simulation }

  /// Runs the simulation until `body` has ended, and then until nothing is left of it.
  func perform(_ body: Task<Void, Never>, isCancelled: () -> Bool) {
    let stop = simulation.run(
      until: { outcome != nil || simulation.programError != nil }, isCancelled: isCancelled)
    switch stop {
    case .deadlock: fail(.deadlock)
    case .livelock: fail(.livelock)
    case .timeLimit: fail(.timeLimit)
    case .realTimeLimit: fail(.realTimeLimit)
    case .standstill: fail(.standstill)
    case .violation(let invariant): fail(.violation(invariant.name))
    case nil:
      if let error = simulation.programError {
        fail(.thrown(error))
      } else if case .failure(let error) = outcome {
        fail(.thrown(error))
      }
    case .cancelled: break
    }
    // What ends a run may break what held while it went on.
    simulation.invariants = []
    body.cancel()
    let isClosed = Flag()
    let network = simulation.network
    let hosts = network.hosts
    let grace = simulation.limits.grace
    for host in hosts { host.program = nil }
    _ = Task(executorPreference: simulation) {
      for host in hosts { await host.shutdown(grace: grace) }
      isClosed.set()
    }
    // The body as well, where it was given up: what it still does when it is cancelled, it does in the simulation.
    _ = simulation.run(until: { isClosed.isSet && outcome != nil })
    let tasks = network.taskCount
    if failure == nil, stop == nil, tasks > 0 { fail(.tasksLeft(tasks)) }
    if failure == nil, simulation.hasIntruded { fail(.outsideInterference) }
    simulation.end()
  }

  private func fail(_ cause: SimulationFailure.Cause) {
    let faults = simulation.network.faults.fired
    failure = SimulationFailure(
      seed: simulation.seed, cause: cause, faults: faults, faultCount: faults.count, waiters: simulation.waiters,
      hosts: simulation.network.hosts, journal: simulation.journal, eventCount: simulation.journal.count,
      lastEvents: simulation.journal.lastLines(simulation.limits.eventsShown))
  }
}

extension SimulatedRuntime {
  /// Runs `main` in the simulation of this runtime, on the calling thread, and then shuts it down: the whole life of a
  /// simulated program. Not to be called from a task. Once a runtime.
  ///
  /// - Returns: what `main` returns.
  /// - Throws: what `main` throws, or ``SimulationFailure``.
  public func run<Success: Sendable>(
    _ main: @escaping @Sendable (SimulatedRuntime) async throws -> Success
  ) throws -> Success {
    let run = Run(simulation)
    let result = Lock<Result<Success, any Error>?>(nil)
    let task = Task.detached(executorPreference: simulation) {
      let outcome: Result<Success, any Error>
      do {
        outcome = .success(try await main(self))
      } catch {
        outcome = .failure(error)
      }
      result.withLock { $0 = outcome }
      run.outcome = .success(())
    }
    run.perform(task, isCancelled: { false })
    if let failure = run.failure { throw failure }
    guard let result = result.withLock({ $0 }) else { throw CancellationError() }
    return try result.get()
  }
}

/// What the environment asks of simulations.
enum Environment {
  /// The one seed that is to be run.
  static func seed() throws -> UInt64? {
    guard let text = value("SIMULATION_SEED") else { return nil }
    guard let seed = UInt64(text) else { throw InvalidSimulationSeed(text: text) }
    return seed
  }

  /// Writes what happened to where it is wanted.
  static func write(_ journal: Journal) throws(IOError) {
    try write(SimulationTrace(journal).description, toFileNamedBy: "SIMULATION_TRACE")
  }

  /// Draws a failed run where that is wanted.
  static func draw(_ failure: SimulationFailure) throws(IOError) {
    try write(failure.picture, toFileNamedBy: "SIMULATION_PICTURE")
  }

  /// - Parameter text: is made only if there is such a variable.
  private static func write(
    _ text: @autoclosure () -> String, toFileNamedBy variable: String
  ) throws(IOError) {
    guard let path = value(variable) else { return }
    guard let file = fopen(path, "w") else { throw IOError(.write, .system(errno)) }
    defer { fclose(file) }
    var text = text()
    let isWritten = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, file) == $0.count }
    if !isWritten { throw IOError(.write, .system(errno)) }
  }

  private static func value(_ name: String) -> String? {
    guard let variable = getenv(name) else { return nil }
    let text = String(cString: variable)
    return text.isEmpty ? nil : text
  }
}

/// `SIMULATION_SEED` is not a number from 0 to 18446744073709551615.
public struct InvalidSimulationSeed: Error, CustomStringConvertible {
  let text: String

  /// Says what was found, and what there should have been.
  public var description: String {
    "SIMULATION_SEED is \"\(text)\", which is not a number from 0 to \(UInt64.max)"
  }
}

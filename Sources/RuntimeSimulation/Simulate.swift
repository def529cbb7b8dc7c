import Glibc
import Runtime
import RuntimePrimitives

/// Runs `body` in a simulation once for each of `seeds`, one run after another, on a thread of its own. So a test
/// checks what the code does in many orders of events and under many faults.
///
/// `body` gets the runtime of the first host, at time zero, in a task with the caller's task-local values. When it has
/// ended, all hosts are shut down; tasks that are left after that make the run fail.
///
/// Three environment variables change the call. With `SIMULATION_SEED`, that seed is the only one. With
/// `SIMULATION_TRACE`, the trace of the run that failed, or else of the last one, is written to the file of that name.
/// With `SIMULATION_PICTURE`, a picture of a failed run is written to the file of that name
/// (``SimulationFailure/picture``).
///
/// Cancelling the task ends the run in progress.
///
/// - Parameters:
///   - seeds: the seeds of the runs.
///   - schedule: how a run chooses which task runs next.
///   - faults: what goes wrong, and how often.
///   - limits: when a run has taken too long.
///   - body: the test.
/// - Throws: ``SimulationFailure`` for the first run that fails, with only the faults that the failure needs, or
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

/// Runs `body` in a simulation once, as ``simulate(seeds:schedule:faults:limits:_:)`` does for many seeds.
///
/// - Returns: what happened in the run; in the second one, if the schedule needs two.
@discardableResult
public func simulate(
  seed: UInt64, schedule: Schedule = .random, faults: FaultPlan = .none,
  limits: SimulationLimits = SimulationLimits(), _ body: @escaping @Sendable (SimulatedRuntime) async throws -> Void
) async throws -> SimulationReport {
  let scenario = Scenario(schedule: schedule, faults: faults, limits: limits, body: body)
  return try await onSimulationThread { thread in try await scenario.run(Environment.seed() ?? seed, on: thread) }
}

/// A run that did not fail.
public struct SimulationReport: Sendable {
  /// The seed that repeats the run.
  public let seed: UInt64
  /// The simulated time that the run took.
  public let duration: Duration
  /// The number of jobs that the run executed.
  public let jobs: Int
  /// The number of times that more than one job was ready, so that the schedule had to choose.
  public let choices: Int
  /// The number of jobs that were ready at each choice, if the schedule records it.
  let widths: [Int]
  /// The faults that happened, in their order.
  public let faults: [Fault]
  let hosts: [SimulatedHost]
  let journal: Journal

  fileprivate init(_ simulation: Simulation) {
    seed = simulation.seed
    duration = .nanoseconds(simulation.now)
    jobs = simulation.jobCount
    choices = simulation.readyQueue.choiceCount
    widths = (simulation.readyQueue as? OrderedReadyQueue)?.widths ?? []
    faults = simulation.network.faults.fired
    hosts = simulation.network.hosts
    journal = simulation.journal
  }

  /// The events of the run, in order. Every run with the same seed has the same trace.
  public var trace: SimulationTrace { SimulationTrace(journal) }
}

/// Runs `body` in a task whose executor is a new simulation thread.
func onSimulationThread<Success: Sendable>(
  _ body: @escaping @Sendable (SimulationThread) async throws -> Success
) async throws -> Success {
  let thread = try SimulationThread()
  defer { thread.stop() }
  let conductor = Task(executorPreference: thread) { try await body(thread) }
  return try await withTaskCancellationHandler {
    try await conductor.value
  } onCancel: {
    conductor.cancel()
  }
}

/// The test that runs with one seed after another.
struct Scenario: Sendable {
  let schedule: Schedule
  let faults: FaultPlan
  let limits: SimulationLimits
  let body: @Sendable (SimulatedRuntime) async throws -> Void

  func run(_ seed: UInt64, on thread: SimulationThread) async throws -> SimulationReport {
    switch schedule {
    case .random: return try await run(seed, .random, on: thread)
    case .inTurn(let exceptions): return try await run(seed, .inTurn(except: exceptions), on: thread)
    case .branching(let branches): return try await run(seed, .branching(at: branches), on: thread)
    case .priorities(let depth):
      let choices = try await run(seed, .random, on: thread).choices
      return try await run(seed, .priorities(depth: depth, choices: choices), on: thread)
    }
  }

  /// Runs the body once. If it fails, repeats the run with fewer faults to find those that the failure needs.
  func run(_ seed: UInt64, _ runSchedule: RunSchedule, on thread: SimulationThread) async throws -> SimulationReport {
    do {
      return try await attempt(seed, runSchedule, only: nil, on: thread)
    } catch let failure as SimulationFailure {
      let failure = await shrink(failure, runSchedule, on: thread)
      // The last run may have been one with fewer faults, which did not fail.
      try Environment.writeTrace(of: failure.journal)
      try Environment.writePicture(of: failure)
      throw failure
    }
  }

  /// Runs the body once, with no faults but those in `only`.
  private func attempt(
    _ seed: UInt64, _ runSchedule: RunSchedule, only: Set<Fault>?, on thread: SimulationThread
  ) async throws -> SimulationReport {
    try Task.checkCancellation()
    let simulation = Simulation(seed: seed, schedule: runSchedule, faults: faults, only: only, limits: limits)
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
    defer { simulation.releaseStateIfTasksAreDead() }
    let isCancelled = Flag()
    await withTaskCancellationHandler {
      await thread.run { run.perform(task, isCancelled: { isCancelled.isSet }) }
    } onCancel: {
      isCancelled.set()
    }
    try Environment.writeTrace(of: simulation.journal)
    try Task.checkCancellation()
    if var failure = run.failure {
      failure.schedule = runSchedule.schedule
      throw failure
    }
    return SimulationReport(simulation)
  }

  /// Leaves out faults for as long as the run fails without them in the same way: halves first, then quarters, and so
  /// on (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", 2002).
  private func shrink(
    _ failure: SimulationFailure, _ runSchedule: RunSchedule, on thread: SimulationThread
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
          _ = try await attempt(failure.seed, runSchedule, only: Set(rest), on: thread)
        } catch let smaller as SimulationFailure {
          guard smaller.cause.isLike(failure.cause) else { continue }
          failure = smaller
          pieces = max(2, pieces - 1)
          continue search
        } catch {
          break search  // Cancelled: a partly shrunk failure is better than none.
        }
      }
      if size == 1 { break }
      pieces = min(pieces * 2, faults.count)
    }
    failure.faultCount = count
    return failure
  }
}

/// One run, from its start to its verdict.
private final class Run: @unchecked Sendable {  // Only the simulation's thread touches it.
  private let simulation: Simulation
  var outcome: Result<Void, any Error>?
  private(set) var failure: SimulationFailure?

  init(_ simulation: Simulation) { self.simulation = simulation }

  /// Runs the simulation until `body` has ended, and then until all hosts are shut down.
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
    // Shutting down may break what held during the run.
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
    // Waits for the body too: a body that was given up is cancelled, and what it still does happens in the simulation.
    _ = simulation.run(until: { isClosed.isSet && outcome != nil })
    let tasks = network.taskCount
    if failure == nil, stop == nil, tasks > 0 { fail(.tasksLeft(tasks)) }
    if failure == nil, simulation.hasInterference { fail(.outsideInterference) }
    simulation.shutDown()
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
  /// Runs `main` in this runtime's simulation, on the calling thread, and then shuts the simulation down.
  ///
  /// This is the whole life of a simulated program: call it once for each runtime, and not from a task.
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

/// The environment variables that simulations read.
enum Environment {
  /// The only seed to run; `nil` if the variable is not set or empty.
  static func seed() throws -> UInt64? {
    guard let text = value("SIMULATION_SEED") else { return nil }
    guard let seed = UInt64(text) else { throw InvalidSimulationSeed(text: text) }
    return seed
  }

  /// Writes the trace, if the environment asks for one.
  static func writeTrace(of journal: Journal) throws(IOError) {
    try write(SimulationTrace(journal).description, toFileNamedBy: "SIMULATION_TRACE")
  }

  /// Writes the picture of a failed run, if the environment asks for one.
  static func writePicture(of failure: SimulationFailure) throws(IOError) {
    try write(failure.picture, toFileNamedBy: "SIMULATION_PICTURE")
  }

  /// - Parameter text: evaluated only if the variable is set.
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

  /// A sentence with the value that was found and the range that is allowed.
  public var description: String {
    "SIMULATION_SEED is \"\(text)\", which is not a number from 0 to \(UInt64.max)"
  }
}

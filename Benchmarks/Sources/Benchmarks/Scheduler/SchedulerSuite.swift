import Dispatch
import Runtime
import RuntimeConcurrency
@_spi(Experimental) import RuntimeCustom
import RuntimeDispatch

/// What it costs to run tasks: each backend beside Swift's own pool as it comes and Dispatch as it comes. What is measured
/// as `adopted` is written for Swift's pool, and run by the workers of the custom backend.
enum SchedulerSuite: Suite {
  static let name = "scheduler"
  static let summary = "starting, switching, waking, sleeping, blocking"
  static let baseline = "Swift"

  static func benchmarks() throws -> [Benchmark] {
    // One of the loads asks for a hundred thousand pieces of blocking work at once.
    let blocking = BlockingLimits(queued: 100_000)
    let subjects = Subjects(
      custom: try CustomRuntime(blocking: blocking),
      withoutStealing: try CustomRuntime(stealsWork: false, blocking: blocking),
      dispatch: try DispatchRuntime(blocking: blocking), concurrency: try ConcurrencyRuntime(blocking: blocking),
      swift: SwiftPool(), libdispatch: BareDispatch())
    return [
      subjects.benchmark(
        "spawn", rate("spawn and join, 1000 at a time", "M/s"), { try await TaskLoads.spawnAndJoin($0) }, \.spawnAndJoin
      ),
      subjects.benchmark(
        "chain", time("a chain of tasks, each starting the next", "ns"), { try await TaskLoads.chain($0) }, \.chain),
      subjects.benchmark("yield", time("yield", "ns"), { try await TaskLoads.yield($0) }, \.yield),
      subjects.benchmark(
        "pingpong", time("ping-pong between two tasks", "ns"), { try await TaskLoads.pingPong($0) }, \.pingPong),
      subjects.benchmark(
        "pairs", time("the same, of 1000 pairs at once", "ns"), { try await TaskLoads.pairs($0) }, nil),
      subjects.benchmark(
        "sleep", time("100,000 sleeps of 100 ms on the runtime's clock", "ms"), { try await TaskLoads.sleep($0) },
        \.sleep),
      subjects.benchmark(
        "tasksleep", time("100,000 sleeps of 100 ms by Task.sleep", "ms"), { try await TaskLoads.taskSleep($0) }, nil),
      subjects.benchmark(
        "inject", rate("tasks from a foreign thread", "M/s"), { try await TaskLoads.inject($0) }, \.inject),
      subjects.blocking(
        "blocking", rate("blocking work, 100,000 at once", "k/s"), { try await TaskLoads.blocking($0) }),
      subjects.benchmark(
        "hop", rate("hops to a queue of Dispatch, 100,000 at once", "k/s"), { try await TaskLoads.hops($0) }, nil),
      subjects.blocking(
        "blockinturn", time("blocking work, one after another", "us"), { try await TaskLoads.blockingInTurn($0) }),
      subjects.benchmark(
        "hopinturn", time("hops to a queue of Dispatch, one after another", "us"),
        { try await TaskLoads.hopsInTurn($0) }, nil),
      subjects.skewed,
    ]
  }

  private static func rate(_ title: String, _ unit: String) -> Figure {
    Figure(name: "rate", title: title, unit: unit, better: .higher)
  }

  private static func time(_ title: String, _ unit: String) -> Figure {
    Figure(name: "time", title: title, unit: unit, better: .lower)
  }
}

/// A load that a benchmark puts on an executor; it gives the one figure.
typealias Load = (any Clocked) async throws -> Double

/// An executor, and a way to sleep on it.
protocol Clocked: Executor {
  associatedtype SleepClock: Clock<Duration>
  var clock: SleepClock { get }
}

extension CustomRuntime: Clocked {}
extension DispatchRuntime: Clocked {}
extension ConcurrencyRuntime: Clocked {}

/// Swift's own pool, as one uses it without any runtime.
struct SwiftPool: Clocked {
  let clock = ContinuousClock()
  var taskExecutor: (any TaskExecutor)? { nil }

  @discardableResult
  func spawn<Success: Sendable>(
    _ options: TaskOptions, _ operation: nonisolated(nonsending) sending @escaping () async throws -> Success
  ) -> Task<Success, any Error> {
    Task.detached { try await operation() }
  }
}

/// All that is measured here.
private struct Subjects {
  let custom: CustomRuntime
  let withoutStealing: CustomRuntime
  let dispatch: DispatchRuntime
  let concurrency: ConcurrencyRuntime
  let swift: SwiftPool
  let libdispatch: BareDispatch

  private var clocked: [(String, any Clocked)] {
    [("custom", custom), ("dispatch", dispatch), ("concurrency", concurrency), ("Swift", swift)]
  }

  private var runtimes: [(String, any AsyncRuntime)] {
    [("custom", custom), ("dispatch", dispatch), ("concurrency", concurrency)]
  }

  func benchmark(
    _ name: String, _ figure: Figure, _ load: @escaping Load, _ bare: KeyPath<BareDispatch, Double>?
  ) -> Benchmark {
    var subjects = clocked.map { name, executor in Subject(name: name) { [try await load(executor)] } }
    subjects.append(
      Subject(name: "adopted") {
        let adoption = try custom.adoptProcess()
        defer { adoption.giveBack() }
        return [try await load(swift)]
      })
    if let bare { subjects.append(Subject(name: "Dispatch") { [libdispatch[keyPath: bare]] }) }
    return Benchmark(name: name, figures: [figure], subjects: subjects)
  }

  /// For what only runtimes can do. A hop to Dispatch is what one does without.
  func blocking(
    _ name: String, _ figure: Figure, _ load: @escaping (any AsyncRuntime) async throws -> Double
  ) -> Benchmark {
    Benchmark(
      name: name, figures: [figure],
      subjects: runtimes.map { name, runtime in Subject(name: name) { [try await load(runtime)] } })
  }

  /// All tasks are born on one worker: does another take its share?
  var skewed: Benchmark {
    let figures = [
      Figure(name: "rate", title: "10 us tasks of one worker", unit: "k/s", better: .higher),
      Figure(name: "p50", title: "  40 at once every 1 ms: done within, p50", unit: "us", better: .lower),
      Figure(name: "p99", title: "  the same, p99", unit: "us", better: .lower),
    ]
    let subjects = [("custom", custom as any Clocked), ("no stealing", withoutStealing)] + clocked.dropFirst()
    return Benchmark(
      name: "skewed", figures: figures,
      subjects: subjects.map { name, executor in Subject(name: name) { try await SkewedLoad.measure(executor) } })
  }
}

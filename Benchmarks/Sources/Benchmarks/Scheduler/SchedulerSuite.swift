import Runtime
import RuntimeConcurrency
@_spi(Experimental) import RuntimeCustom
import RuntimeDispatch

/// Measures the cost of running tasks: each backend, Swift's own pool and Dispatch, both unmodified. The subject
/// `adopted` is code for Swift's pool that the workers of the custom backend run.
enum SchedulerSuite: Suite {
  static let name = "scheduler"
  static let summary = "starting, switching, waking, sleeping, blocking"
  static let baseline = "Swift"

  static func benchmarks() throws -> [Benchmark] {
    // One of the loads submits a hundred thousand pieces of blocking work at once.
    let blocking = BlockingLimits(queued: 100_000)
    let subjects = Subjects(
      custom: try CustomRuntime(blocking: blocking),
      withoutStealing: try CustomRuntime(stealsWork: false, blocking: blocking),
      dispatch: try DispatchRuntime(blocking: blocking), concurrency: try ConcurrencyRuntime(blocking: blocking),
      swift: SwiftPool(), libdispatch: BareDispatch())
    return [
      subjects.benchmark(SpawnAndJoin.self, \.spawnAndJoin), subjects.benchmark(Chain.self, \.chain),
      subjects.benchmark(Yield.self, \.yield), subjects.benchmark(TaskYield.self),
      subjects.benchmark(PingPong.self, \.pingPong),
      subjects.benchmark(Pairs.self), subjects.benchmark(Sleep.self, \.sleep), subjects.benchmark(TaskSleep.self),
      subjects.benchmark(Inject.self, \.inject),
      subjects.blocking("blocking", .thousands("blocking work, 100,000 at once")) {
        try await BlockingLoad.atOnce($0)
      },
      subjects.benchmark(Hops.self),
      subjects.blocking("blockinturn", .microseconds("blocking work, one after another")) {
        try await BlockingLoad.inTurn($0)
      },
      subjects.benchmark(HopsInTurn.self),
      subjects.skewed,
    ]
  }
}

/// The subjects of the suite.
private struct Subjects {
  let custom: CustomRuntime
  let withoutStealing: CustomRuntime
  let dispatch: DispatchRuntime
  let concurrency: ConcurrencyRuntime
  let swift: SwiftPool
  let libdispatch: BareDispatch

  /// A benchmark of `load` on each subject, each by code specialised for it.
  func benchmark<Load: TaskLoad>(_ load: Load.Type, _ bare: KeyPath<BareDispatch, Double>? = nil) -> Benchmark {
    var subjects = [
      Subject(name: "custom") { [custom] in [try await Load.measureOnce(on: custom)] },
      Subject(name: "dispatch") { [dispatch] in [try await Load.measureOnce(on: dispatch)] },
      Subject(name: "concurrency") { [concurrency] in [try await Load.measureOnce(on: concurrency)] },
      Subject(name: "Swift") { [swift] in [try await Load.measureOnce(on: swift)] },
      Subject(name: "adopted") { [custom, swift] in
        let adoption = try custom.adoptProcess()
        defer { adoption.giveBack() }
        return [try await Load.measureOnce(on: swift)]
      },
    ]
    if let bare { subjects.append(Subject(name: "Dispatch") { [libdispatch[keyPath: bare]] }) }
    return Benchmark(name: Load.name, figures: [Load.measure.figure], subjects: subjects)
  }

  /// A benchmark of blocking work, which only runtimes offer. A hop to Dispatch is the alternative without one.
  func blocking(
    _ name: String, _ measure: Measure, _ load: @escaping (any AsyncRuntime) async throws -> Double
  ) -> Benchmark {
    let runtimes: [(String, any AsyncRuntime)] = [
      ("custom", custom), ("dispatch", dispatch), ("concurrency", concurrency),
    ]
    return Benchmark(
      name: name, figures: [measure.figure],
      subjects: runtimes.map { name, runtime in Subject(name: name) { [try await load(runtime)] } })
  }

  /// Starts all tasks on one worker, to see whether another takes its share.
  var skewed: Benchmark {
    let subjects: [(String, any SleepingExecutor)] = [
      ("custom", custom), ("no stealing", withoutStealing), ("dispatch", dispatch), ("concurrency", concurrency),
      ("Swift", swift),
    ]
    return Benchmark(
      name: "skewed", figures: SkewedLoad.figures,
      subjects: subjects.map { name, executor in Subject(name: name) { try await SkewedLoad.measure(executor) } })
  }
}

public import CoreMetrics
public import Runtime
public import RuntimeHTTP
public import ServiceLifecycle
import Synchronization

/// A service that periodically reports the metrics of a runtime and its servers to swift-metrics.
///
/// ```swift
/// let reports = RuntimeReports(of: runtime, servers: ["public": { server.metrics }])
/// let group = ServiceGroup(services: [reports, ServerService(server, on: runtime)], logger: logger)
/// ```
///
/// The names are those of the console's `/metrics`, with dots: `gearbox.runtime.alive_tasks`,
/// `gearbox.server.open_connections`. Current values are meters, and values that only grow are counters.
public final class RuntimeReports<R: AsyncRuntime>: Service {
  private let runtime: R
  private let servers: [String: @Sendable () -> ServerMetrics]
  private let interval: Duration
  private let figures: Mutex<Figures>

  /// Creates a service.
  ///
  /// - Parameters:
  ///   - runtime: the runtime, whose clock is also used to wait.
  ///   - servers: returns the metrics of each server. The key becomes the dimension `server`.
  ///   - interval: the time between two reports.
  ///   - factory: the factory of the metrics; `nil` for that of the process, which must be bootstrapped already.
  public init(
    of runtime: R, servers: [String: @Sendable () -> ServerMetrics] = [:], every interval: Duration = .seconds(10),
    factory: (any MetricsFactory)? = nil
  ) {
    self.runtime = runtime
    self.servers = servers
    self.interval = interval
    figures = Mutex(Figures(factory ?? MetricsSystem.factory))
  }

  /// Reports until it is cancelled or its group shuts down, and a last time at the end.
  public func run() async throws {
    await cancelWhenGracefulShutdown { [self] in
      while !Task.isCancelled {
        report()
        try? await runtime.clock.sleep(for: interval)
      }
    }
    report()
  }

  /// Reports once.
  public func report() {
    let metrics = runtime.metrics
    let servers = servers.mapValues { $0() }
    figures.withLock { figures in
      figures.report(metrics)
      for (name, metrics) in servers { figures.report(metrics, of: name) }
    }
  }
}

/// The metrics created so far, and the last values of the counters.
private struct Figures: ~Copyable {
  private struct Key: Hashable {
    var label: String
    var dimension: String?
  }

  private let factory: any MetricsFactory
  private var meters: [Key: Meter] = [:]
  private var counters: [Key: (counter: Counter, total: Int)] = [:]

  init(_ factory: any MetricsFactory) { self.factory = factory }

  mutating func report(_ metrics: RuntimeMetrics) {
    set("gearbox.runtime.alive_tasks", metrics.tasks)
    set("gearbox.runtime.sleeping_tasks", metrics.sleepingTasks)
    set("gearbox.runtime.blocking_threads", metrics.blockingThreads)
    set("gearbox.runtime.blocking_queue_depth", metrics.blockingQueueDepth)
    count("gearbox.runtime.refused_blocking_calls", metrics.refusedBlockingCalls)
    if let depth = metrics.queueDepths.first { set("gearbox.runtime.global_queue_depth", depth) }
    for (number, depth) in metrics.queueDepths.dropFirst().enumerated() {
      set("gearbox.runtime.worker_local_queue_depth", depth, ("worker", "\(number)"))
    }
    for (number, worker) in metrics.workers.enumerated() {
      let dimension = ("worker", "\(number)")
      count("gearbox.runtime.worker_jobs", worker.jobs, dimension)
      count("gearbox.runtime.worker_steals", worker.stolenJobs, dimension)
      count("gearbox.runtime.worker_parks", worker.parks, dimension)
      count("gearbox.runtime.worker_wakes", worker.wakes, dimension)
    }
    count("gearbox.runtime.stalls", metrics.stalls)
    set("gearbox.runtime.relief_workers", metrics.reliefWorkers)
    count("gearbox.runtime.reliefs", metrics.reliefs)
  }

  mutating func report(_ metrics: ServerMetrics, of server: String) {
    let dimension = ("server", server)
    set("http.server.active_requests", metrics.requestsInFlight, dimension)
    count("gearbox.server.requests", metrics.totalRequests, dimension)
    set("gearbox.server.open_connections", metrics.openConnections, dimension)
    count("gearbox.server.connections", metrics.totalConnections, dimension)
    set("gearbox.server.held_bytes", metrics.heldBytes, dimension)
    count("gearbox.server.shed_requests", metrics.shedRequests, dimension)
    set("gearbox.server.overloaded", metrics.isOverloaded ? 1 : 0, dimension)
  }

  private mutating func set(_ label: String, _ value: Int, _ dimension: (String, String)? = nil) {
    let key = Key(label: label, dimension: dimension?.1)
    let meter = meters[key] ?? Meter(label: label, dimensions: dimension.map { [$0] } ?? [], factory: factory)
    meters[key] = meter
    meter.set(value)
  }

  /// Adds the increase of a total since the last report.
  private mutating func count(_ label: String, _ total: Int, _ dimension: (String, String)? = nil) {
    let key = Key(label: label, dimension: dimension?.1)
    let (counter, before) =
      counters[key] ?? (Counter(label: label, dimensions: dimension.map { [$0] } ?? [], factory: factory), 0)
    counters[key] = (counter, max(total, before))
    if total > before { counter.increment(by: total - before) }
  }
}

import Runtime
import RuntimeHTTP

extension Snapshot {
  /// The snapshot in Prometheus' text format, version 0.0.4, which OpenMetrics scrapers accept too.
  ///
  /// Metrics defined by OpenTelemetry's semantic conventions or by Prometheus' client libraries have those names.
  /// Metrics of the runtime have the names of tokio's metrics where they count the same. Tasks and stalls are included
  /// only as counts.
  public var prometheusText: [UInt8] {
    var text: [UInt8] = []
    for family in runtime.families { family.append(to: &text) }
    for family in Self.families(of: servers) { family.append(to: &text) }
    Self.durations(of: requests).append(to: &text)
    for family in Self.families(of: requests) { family.append(to: &text) }
    for family in process.families { family.append(to: &text) }
    return text
  }

  private static func families(of servers: [ServerFigures]) -> [MetricFamily] {
    var active = MetricFamily(.gauge, "http_server_active_requests", "Requests in progress.")
    var requests = MetricFamily(.counter, "gearbox_server_requests", "Requests, including those in progress.")
    var open = MetricFamily(.gauge, "gearbox_server_open_connections", "Open connections.")
    var total = MetricFamily(.counter, "gearbox_server_connections", "Connections, including the open ones.")
    var held = MetricFamily(.gauge, "gearbox_server_held_bytes", "Memory that connections hold for their clients.")
    var shed = MetricFamily(.counter, "gearbox_server_shed_requests", "Requests refused because of overload.")
    var overloaded = MetricFamily(.gauge, "gearbox_server_overloaded", "Whether the server is overloaded.")
    for server in servers {
      let labels: [MetricFamily.Label] = [("server", server.address)]
      active.add(.count(server.metrics.requestsInFlight), labels)
      requests.add(.count(server.metrics.totalRequests), labels)
      open.add(.count(server.metrics.openConnections), labels)
      total.add(.count(server.metrics.totalConnections), labels)
      held.add(.count(server.metrics.heldBytes), labels)
      shed.add(.count(server.metrics.shedRequests), labels)
      overloaded.add(.count(server.metrics.isOverloaded ? 1 : 0), labels)
    }
    return [active, requests, open, total, held, shed, overloaded]
  }

  private static func durations(of requests: [RequestFigures]) -> HistogramFamily {
    var family = HistogramFamily(
      "http_server_request_duration_seconds", "Time from the end of a request's head to the end of its response.")
    for figures in requests { family.add(figures.durations, figures.labels) }
    return family
  }

  private static func families(of requests: [RequestFigures]) -> [MetricFamily] {
    var received = MetricFamily(.counter, "gearbox_server_received_bytes", "Content received in requests.")
    var sent = MetricFamily(.counter, "gearbox_server_sent_bytes", "Content sent in responses.")
    var refused = MetricFamily(
      .counter, "gearbox_server_refused_requests", "Requests answered or ended without calling a handler.")
    var incomplete = MetricFamily(
      .counter, "gearbox_server_incomplete_requests", "Requests whose response was not delivered completely.")
    for figures in requests {
      received.add(.count(figures.receivedBytes), figures.labels)
      sent.add(.count(figures.sentBytes), figures.labels)
      if figures.isRefused { refused.add(.count(figures.count), figures.labels) }
      let ends = [("client_gone", figures.goneClients), ("timed_out", figures.timeouts), ("failed", figures.failures)]
      for (end, count) in ends where count > 0 {
        let labels: [MetricFamily.Label] = [
          ("end", end), ("http_request_method", figures.knownMethod), ("http_route", figures.route),
        ]
        incomplete.add(.count(count), labels)
      }
    }
    return [received, sent, refused, incomplete]
  }
}

extension RequestFigures {
  /// The method, or OpenTelemetry's value for unknown methods.
  fileprivate var knownMethod: String { method ?? "_OTHER" }

  fileprivate var labels: [MetricFamily.Label] {
    [
      ("http_request_method", knownMethod), ("http_route", route),
      ("http_response_status_class", statusClass == 0 ? "none" : "\(statusClass)xx"),
    ]
  }
}

extension Snapshot.RuntimeFigures {
  fileprivate var families: [MetricFamily] { poolFamilies + workerFamilies + stallFamilies }

  private func gauge(_ name: String, _ help: String, _ value: MetricFamily.Value?) -> MetricFamily {
    family(.gauge, name, help, value)
  }

  private func family(
    _ kind: MetricFamily.Kind, _ name: String, _ help: String, _ value: MetricFamily.Value?
  ) -> MetricFamily {
    var family = MetricFamily(kind, "gearbox_runtime_\(name)", help)
    family.add(value)
    return family
  }

  private var poolFamilies: [MetricFamily] {
    var info = MetricFamily(.gauge, "gearbox_runtime_info", "The runtime's name; always 1.")
    info.add(.count(1), [("runtime", name)])
    return [
      info, gauge("workers", "Threads that run tasks.", .count(workerCount)),
      gauge("alive_tasks", "Tasks started on the runtime that have not ended.", .count(metrics.tasks)),
      gauge("sleeping_tasks", "Tasks that sleep on the runtime's clock.", .count(metrics.sleepingTasks)),
      gauge(
        "global_queue_depth", "Jobs in the queue shared by all workers.",
        metrics.queueDepths.first.map { .count($0) }),
      gauge("blocking_threads", "Threads that run blocking work or wait for it.", .count(metrics.blockingThreads)),
      gauge("blocking_queue_depth", "Blocking work that waits for a thread.", .count(metrics.blockingQueueDepth)),
      family(
        .counter, "refused_blocking_calls", "Refused calls of runBlocking.", .count(metrics.refusedBlockingCalls)),
    ]
  }

  private var workerFamilies: [MetricFamily] {
    var depth = MetricFamily(
      .gauge, "gearbox_runtime_worker_local_queue_depth", "Jobs in the worker's own queue.")
    for (number, count) in metrics.queueDepths.dropFirst().enumerated() {
      depth.add(.count(count), [("worker", "\(number)")])
    }
    var jobs = MetricFamily(.counter, "gearbox_runtime_worker_jobs", "Jobs that the worker has run.")
    var steals = MetricFamily(.counter, "gearbox_runtime_worker_steals", "Jobs taken from another worker's queue.")
    var parks = MetricFamily(.counter, "gearbox_runtime_worker_parks", "Times that the worker had nothing to do.")
    var wakes = MetricFamily(.counter, "gearbox_runtime_worker_wakes", "Times that another thread woke the worker.")
    // A single entry for several workers is that of a pool.
    let isPool = metrics.workers.count == 1 && workerCount > 1
    for (number, worker) in metrics.workers.enumerated() {
      let labels: [MetricFamily.Label] = [("worker", isPool ? "all" : "\(number)")]
      jobs.add(.count(worker.jobs), labels)
      steals.add(.count(worker.stolenJobs), labels)
      parks.add(.count(worker.parks), labels)
      wakes.add(.count(worker.wakes), labels)
    }
    var busy = MetricFamily(.counter, "gearbox_runtime_worker_busy_seconds", "Time that the worker has run jobs.")
    var age = MetricFamily(
      .gauge, "gearbox_runtime_worker_job_age_seconds", "Time that the worker has been in its current job.")
    // Relief workers follow, which are not permanent.
    for (number, activity) in activities.prefix(workerCount).enumerated() {
      busy.add(.seconds(activity.busyTime), [("worker", "\(number)")])
      age.add(.seconds(activity.jobAge), [("worker", "\(number)")])
    }
    return [depth, jobs, steals, parks, wakes, busy, age]
  }

  private var stallFamilies: [MetricFamily] {
    [
      family(.counter, "stalls", "Jobs that have kept a worker for too long.", .count(metrics.stalls)),
      gauge("longest_stall_seconds", "Duration of the longest of these.", .seconds(metrics.longestStall)),
      gauge(
        "relief_workers", "Threads that run jobs because every worker is stuck.", .count(metrics.reliefWorkers)),
      family(.counter, "reliefs", "Times that such a thread was activated.", .count(metrics.reliefs)),
    ]
  }
}

extension ProcessFigures {
  /// The process metrics, named as in Prometheus' client libraries.
  fileprivate var families: [MetricFamily] {
    func family(
      _ kind: MetricFamily.Kind, _ name: String, _ help: String, _ value: MetricFamily.Value?
    ) -> MetricFamily {
      var family = MetricFamily(kind, "process_\(name)", help)
      family.add(value)
      return family
    }
    func count(_ number: Int?) -> MetricFamily.Value? { number.map { .count($0) } }
    let cpu: Duration? = if let userTime, let systemTime { userTime + systemTime } else { nil }
    return [
      family(.counter, "cpu_seconds", "User and system processor time.", cpu.map { .seconds($0) }),
      family(.gauge, "resident_memory_bytes", "Resident memory.", count(residentBytes)),
      family(.gauge, "virtual_memory_bytes", "Address space.", count(virtualBytes)),
      family(.gauge, "open_fds", "Open descriptors.", count(openDescriptors)),
      family(.gauge, "max_fds", "Limit of open descriptors.", count(maximumDescriptors)),
      family(.gauge, "threads", "Threads.", count(threads)),
      family(
        .gauge, "start_time_seconds", "When the process was started, in seconds since 1970.",
        startTime.map { .seconds($0) }),
    ]
  }
}

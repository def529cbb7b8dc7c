import Runtime
import RuntimeHTTP

extension Snapshot {
  /// The snapshot in Prometheus' text format, version 0.0.4, which scrapers of OpenMetrics read as well.
  ///
  /// What OpenTelemetry's semantic conventions or Prometheus' client libraries have a name for has that name; the names of
  /// what a runtime counts are tokio's, where it counts the same. Tasks and stalls are in it as numbers only.
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
    var active = MetricFamily(.gauge, "http_server_active_requests", "Requests that are being answered.")
    var requests = MetricFamily(.counter, "gearbox_server_requests", "Requests, those in flight among them.")
    var open = MetricFamily(.gauge, "gearbox_server_open_connections", "Connections that are open.")
    var total = MetricFamily(.counter, "gearbox_server_connections", "Connections, the open ones among them.")
    var held = MetricFamily(.gauge, "gearbox_server_held_bytes", "What connections hold for their clients.")
    var shed = MetricFamily(.counter, "gearbox_server_shed_requests", "Requests refused as there was too much to do.")
    var overloaded = MetricFamily(.gauge, "gearbox_server_overloaded", "Whether there is too much to do just now.")
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
      "http_server_request_duration_seconds", "From the end of a request's head to the end of its response.")
    for figures in requests { family.add(figures.durations, figures.labels) }
    return family
  }

  private static func families(of requests: [RequestFigures]) -> [MetricFamily] {
    var received = MetricFamily(.counter, "gearbox_server_received_bytes", "Content that has come with requests.")
    var sent = MetricFamily(.counter, "gearbox_server_sent_bytes", "Content that has been sent in responses.")
    var refused = MetricFamily(
      .counter, "gearbox_server_refused_requests", "Requests that were answered, or ended, without asking a handler.")
    var incomplete = MetricFamily(
      .counter, "gearbox_server_incomplete_requests", "Requests whose response the client did not get whole.")
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
  /// The method, or what OpenTelemetry calls all others.
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
    var info = MetricFamily(.gauge, "gearbox_runtime_info", "Which runtime it is; always 1.")
    info.add(.count(1), [("runtime", name)])
    return [
      info, gauge("workers", "Threads that run tasks.", .count(workerCount)),
      gauge("alive_tasks", "Tasks started on the runtime that have not ended.", .count(metrics.tasks)),
      gauge("sleeping_tasks", "Tasks that sleep on the runtime's clock.", .count(metrics.sleepingTasks)),
      gauge(
        "global_queue_depth", "Jobs that wait in the queue that all workers share.",
        metrics.queueDepths.first.map { .count($0) }),
      gauge("blocking_threads", "Threads that run, or wait for, blocking work.", .count(metrics.blockingThreads)),
      gauge("blocking_queue_depth", "Blocking work that waits for a thread.", .count(metrics.blockingQueueDepth)),
      family(
        .counter, "refused_blocking_calls", "Blocking work that was refused.", .count(metrics.refusedBlockingCalls)),
    ]
  }

  private var workerFamilies: [MetricFamily] {
    var depth = MetricFamily(
      .gauge, "gearbox_runtime_worker_local_queue_depth", "Jobs that wait in the worker's own queue.")
    for (number, count) in metrics.queueDepths.dropFirst().enumerated() {
      depth.add(.count(count), [("worker", "\(number)")])
    }
    var jobs = MetricFamily(.counter, "gearbox_runtime_worker_jobs", "Jobs that the worker has run.")
    var steals = MetricFamily(.counter, "gearbox_runtime_worker_steals", "Jobs taken from another worker's queue.")
    var parks = MetricFamily(.counter, "gearbox_runtime_worker_parks", "How often the worker had nothing to do.")
    var wakes = MetricFamily(.counter, "gearbox_runtime_worker_wakes", "How often another thread woke the worker.")
    // One figure for all of them is that of a pool.
    let isPool = metrics.workers.count == 1 && workerCount > 1
    for (number, worker) in metrics.workers.enumerated() {
      let labels: [MetricFamily.Label] = [("worker", isPool ? "all" : "\(number)")]
      jobs.add(.count(worker.jobs), labels)
      steals.add(.count(worker.stolenJobs), labels)
      parks.add(.count(worker.parks), labels)
      wakes.add(.count(worker.wakes), labels)
    }
    var busy = MetricFamily(.counter, "gearbox_runtime_worker_busy_seconds", "For how long the worker has run jobs.")
    var age = MetricFamily(
      .gauge, "gearbox_runtime_worker_job_age_seconds", "For how long the worker has been in its present job.")
    // What follows are relief workers, which come and go.
    for (number, activity) in activities.prefix(workerCount).enumerated() {
      busy.add(.seconds(activity.busyTime), [("worker", "\(number)")])
      age.add(.seconds(activity.jobAge), [("worker", "\(number)")])
    }
    return [depth, jobs, steals, parks, wakes, busy, age]
  }

  private var stallFamilies: [MetricFamily] {
    [
      family(.counter, "stalls", "Jobs that have kept a worker for too long.", .count(metrics.stalls)),
      gauge("longest_stall_seconds", "How long the longest of these took.", .seconds(metrics.longestStall)),
      gauge(
        "relief_workers", "Threads that run jobs because every worker is stuck.", .count(metrics.reliefWorkers)),
      family(.counter, "reliefs", "How often such a thread has come.", .count(metrics.reliefs)),
    ]
  }
}

extension ProcessFigures {
  /// Under the names of Prometheus' client libraries.
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
      family(.gauge, "max_fds", "The most descriptors that the process may have.", count(maximumDescriptors)),
      family(.gauge, "threads", "Threads.", count(threads)),
      family(
        .gauge, "start_time_seconds", "When the process was started, in seconds since 1970.",
        startTime.map { .seconds($0) }),
    ]
  }
}

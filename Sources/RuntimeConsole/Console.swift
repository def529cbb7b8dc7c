public import Runtime
public import RuntimeHTTP
import RuntimePrimitives

/// A console for the state of a process: metrics for Prometheus, a page for people, and a ``Snapshot`` for code.
///
/// ```swift
/// let console = Console(runtime: runtime, stalls: stalls)
/// console.addMetrics(to: &router)  // /metrics
/// console.addPages(to: &router)  // /console and the paths below it
/// options.observers.append(console.requests)
/// let server = try await Server(runtime: runtime, address: address, options: options, handler: router)
/// console.show(server)
/// try await server.run()
/// ```
///
/// Routes may also be added to a group: `router.group("/internal", using: [...]) { console.addPages(to: &$0) }`.
public final class Console: Sendable {
  /// Options of a console.
  public struct Options: Sendable {
    /// Whether only clients on this machine may see the page and its data; see ``Console/addPages(to:)``.
    public var isLocalOnly = true
    /// Whether tasks are watched for the lifetime of the console. Otherwise they are watched only while a browser shows
    /// the page, so tasks started before that are not listed, and a production server has no extra cost.
    public var watchesTasksAlways = false
    /// The time between updates of the page.
    public var interval: Duration = .milliseconds(500)

    /// Creates the default options.
    public init() {}
  }

  /// Counts the requests of a server that has this among its ``ServerOptions/observers``. Otherwise no requests are
  /// shown.
  public let requests = RequestMetrics()
  /// The log of stalls to show.
  public let stalls: StallLog
  private let options: Options
  private let watching: TaskWatching
  private let servers = Lock<[ShownServer]>([])
  private let runtime: @Sendable () -> Snapshot.RuntimeFigures
  private let sleep: @Sendable (Duration) async throws -> Void
  /// Runs work that takes long with many tasks on a thread that may block.
  private let offload: @Sendable (@escaping @Sendable () -> [UInt8]) async throws -> [UInt8]
  private let start = MonotonicTime.now

  /// Creates a console for `runtime`.
  ///
  /// - Parameter stalls: the log that `StallOptions.report` fills; see ``StallLog``. Create it before the runtime.
  public init(runtime: some AsyncRuntime, stalls: StallLog = StallLog(), options: Options = Options()) {
    self.stalls = stalls
    self.options = options
    watching = TaskWatching(isKept: options.watchesTasksAlways)
    self.runtime = {
      Snapshot.RuntimeFigures(
        name: runtime.name, workerCount: runtime.workerCount, metrics: runtime.metrics,
        activities: runtime.workerActivities)
    }
    sleep = { try await runtime.clock.sleep(for: $0) }
    offload = { work in
      do {
        return try await runtime.runBlocking(work)
      } catch is BlockingWorkRefused {
        // A full blocking pool is a situation that the console should be able to show.
        return work()
      }
    }
  }

  /// Shows the metrics of `server` for as long as the server exists. The console does not retain it. Streams of the
  /// page end when it shuts down.
  public func show<R: AsyncRuntime, H: Handler>(_ server: Server<R, H>) {
    let address = "\(server.localAddress)"
    let shown = ShownServer(
      figures: { [weak server] in
        server.map { Snapshot.ServerFigures(address: address, metrics: $0.metrics) }
      }, isShuttingDown: { [weak server] in server?.isShuttingDown ?? false })
    servers.withLock { $0.append(shown) }
  }

  /// The current state of the process. It takes a few microseconds per watched task.
  public var snapshot: Snapshot { snapshot(withTasks: true) }

  private func snapshot(withTasks hasTasks: Bool) -> Snapshot {
    let process = ProcessFigures.current
    let time = Duration.nanoseconds(WallTime.now.nanosecondsSince1970)
    return Snapshot(
      time: time,
      uptime: process.startTime.map { max(.zero, time - $0) } ?? .nanoseconds(MonotonicTime.now - start),
      runtime: runtime(), servers: servers.withLock(\.self).compactMap { $0.figures() }, requests: requests.figures,
      process: process, tasks: hasTasks ? watching.tasks : nil, stalls: stalls.entries)
  }

  /// Adds the route `/metrics`: the snapshot in Prometheus' text format, for all clients, since a scraper usually runs
  /// on another machine. To restrict access, add it to a group with a middleware.
  public func addMetrics(to routes: inout some RouteBuilder) {
    routes.get("/metrics") { [self] _ in
      // A scraper accepts this version, whatever others it asks for.
      Response(
        headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store"],
        body: .bytes(snapshot(withTasks: false).prometheusText))
    }
  }

  /// Adds the route `/console`, a page that shows a snapshot twice a second, and its resources: `/console/snapshot` is
  /// one snapshot as JSON, and `/console/events` is a stream of them as server-sent events.
  ///
  /// Unless ``Options/isLocalOnly`` is switched off, they are restricted to clients on this machine: the peer's address
  /// is a loopback or Unix-domain address, `Host` is `localhost` or an address, and no field shows that a proxy has
  /// forwarded the request. Other clients get a 403. A proxy on this machine that adds no such field and changes `Host`
  /// exposes the page to its own clients; configure it to block these paths.
  public func addPages(to routes: inout some RouteBuilder) {
    var middleware: [any Middleware] = [PageFields()]
    if options.isLocalOnly { middleware.append(LocalOnly()) }
    let feed = SnapshotFeed(every: options.interval, sleep: sleep, offload: offload) { [self] in
      snapshot.json(maximumTasks: Self.maximumTasks)
    }
    routes.group("/console", using: middleware) { group in
      group.get("") { _ in .html(consolePage) }
      group.get("/console.css") { _ in Self.asset(consoleStylesheet, "text/css") }
      group.get("/console.js") { _ in Self.asset(consoleScript, "text/javascript") }
      group.get("/snapshot") { [self] _ async throws in .json(try await offload { [self] in snapshot.json }) }
      group.get("/events") { [self] _ in
        var response = Response(
          body: .stream { [self] writer in
            watching.addViewer()
            defer { watching.removeViewer() }
            try await feed.write(to: writer) { [self] in isEnding }
          })
        response.headers.contentType = .eventStream
        return response
      }
    }
  }

  /// The number of tasks sent to the page: as many as it can show without getting slow, at about 300 bytes each.
  private static let maximumTasks = 500

  private var isEnding: Bool { servers.withLock(\.self).contains { $0.isShuttingDown() } }

  private static func asset(_ text: String, _ type: String) -> Response {
    Response(headers: ["Content-Type": "\(type); charset=utf-8"], body: .string(text))
  }
}

/// The console's view of a server.
private struct ShownServer: Sendable {
  let figures: @Sendable () -> Snapshot.ServerFigures?
  let isShuttingDown: @Sendable () -> Bool
}

/// Adds the security headers of the page: load nothing from other origins, run no inline script, and allow no other
/// site to embed it.
private struct PageFields: ImmediateMiddleware {
  func after(_ response: inout Response, to request: Request) {
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Content-Security-Policy"] =
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
      + "form-action 'none'; frame-ancestors 'none'"
  }
}

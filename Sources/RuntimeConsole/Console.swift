public import Runtime
public import RuntimeHTTP
import RuntimePrimitives

/// Shows what a process is doing: as metrics for Prometheus, as a page for a person, and as a ``Snapshot`` for code.
///
/// ```swift
/// let console = Console(runtime: runtime, stalls: stalls)
/// console.addMetrics(to: &router)  // /metrics
/// console.addPages(to: &router)  // /console and what is below it
/// options.observers.append(console.requests)
/// let server = try await Server(runtime: runtime, address: address, options: options, handler: router)
/// console.show(server)
/// try await server.run()
/// ```
///
/// Routes may be added to a group as well: `router.group("/internal", using: [...]) { console.addPages(to: &$0) }`.
public final class Console: Sendable {
  /// How a console shows what it shows.
  public struct Options: Sendable {
    /// Whether the page and its data are for clients on this machine only; see ``Console/addPages(to:)``.
    public var isLocalOnly = true
    /// Whether tasks are watched for as long as the console is there. Otherwise they are while a browser has the page open,
    /// and those that were started before are not known; that is how a server in production costs nothing extra.
    public var watchesTasksAlways = false
    /// How often the page gets a new snapshot.
    public var interval: Duration = .milliseconds(500)

    /// The usual options.
    public init() {}
  }

  /// Counts the requests of a server that has it among its ``ServerOptions/observers``; without that, none are shown.
  public let requests = RequestMetrics()
  /// The stalls that are shown.
  public let stalls: StallLog
  private let options: Options
  private let watching: TaskWatching
  private let servers = Lock<[ShownServer]>([])
  private let runtime: @Sendable () -> Snapshot.RuntimeFigures
  private let sleep: @Sendable (Duration) async throws -> Void
  /// Runs what takes long with many tasks where it keeps no worker.
  private let offload: @Sendable (@escaping @Sendable () -> [UInt8]) async throws -> [UInt8]
  private let start = MonotonicTime.now

  /// A console of what runs on `runtime`.
  ///
  /// - Parameter stalls: the log that `StallOptions.report` fills, as ``StallLog`` shows. It is made before the runtime.
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
        // The pool is what one may want to look at then.
        return work()
      }
    }
  }

  /// Shows the figures of `server` from now on, until it is no more. Streams of the page end when it shuts down. The
  /// console does not keep it.
  public func show<R: AsyncRuntime, H: Handler>(_ server: Server<R, H>) {
    let address = "\(server.localAddress)"
    let shown = ShownServer(
      figures: { [weak server] in
        server.map { Snapshot.ServerFigures(address: address, metrics: $0.metrics) }
      }, isShuttingDown: { [weak server] in server?.isShuttingDown ?? false })
    servers.withLock { $0.append(shown) }
  }

  /// What the process is doing at this moment. It takes a few microseconds for each task that is watched.
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

  /// Adds the route `/metrics`: the snapshot in Prometheus' text format, for every client. A scraper is on another machine
  /// more often than not; to let no others in, add it to a group with a middleware.
  public func addMetrics(to routes: inout some RouteBuilder) {
    routes.get("/metrics") { [self] _ in
      // Whatever versions a scraper asks for, it takes this one too.
      Response(
        headers: ["Content-Type": "text/plain; version=0.0.4; charset=utf-8", "Cache-Control": "no-store"],
        body: .bytes(snapshot(withTasks: false).prometheusText))
    }
  }

  /// Adds the route `/console`, a page that shows the snapshot twice a second, and what it is made of below it:
  /// `/console/snapshot` is one snapshot as JSON, `/console/events` one after another as server-sent events.
  ///
  /// Unless ``Options/isLocalOnly`` is switched off they are for clients on this machine: the peer's address is one of the
  /// loopback or of a Unix-domain socket, `Host` is `localhost` or an address, and no field says that a proxy has passed
  /// the request on. All others get a 403. A proxy on this machine that leaves no such field and changes `Host` opens the
  /// page to its own clients; have it refuse these paths.
  public func addPages(to routes: inout some RouteBuilder) {
    var middleware: [any Middleware] = [PageFields()]
    if options.isLocalOnly { middleware.append(LocalOnly()) }
    let feed = SnapshotFeed(every: options.interval, sleep: sleep, offload: offload) { [self] in
      snapshot.json(mostTasks: Self.mostTasks)
    }
    routes.group("/console", using: middleware) { group in
      group.get("") { _ in .html(consolePage) }
      group.get("/console.css") { _ in Self.asset(consoleStylesheet, "text/css") }
      group.get("/console.js") { _ in Self.asset(consoleScript, "text/javascript") }
      group.get("/snapshot") { [self] _ async throws in .json(try await offload { [self] in snapshot.json }) }
      group.get("/events") { [self] _ in
        var response = Response(
          body: .stream { [self] writer in
            watching.begin()
            defer { watching.end() }
            try await feed.write(to: writer) { [self] in isEnding }
          })
        response.headers.contentType = .eventStream
        return response
      }
    }
  }

  /// Of how many tasks the page is told: as many as it can show without getting slow, at some 300 bytes each.
  private static let mostTasks = 500

  private var isEnding: Bool { servers.withLock(\.self).contains { $0.isShuttingDown() } }

  private static func asset(_ text: String, _ type: String) -> Response {
    Response(headers: ["Content-Type": "\(type); charset=utf-8"], body: .string(text))
  }
}

/// A server, as far as a console looks at it.
private struct ShownServer: Sendable {
  let figures: @Sendable () -> Snapshot.ServerFigures?
  let isShuttingDown: @Sendable () -> Bool
}

/// What browsers are told of everything on the page: to load nothing from elsewhere, to run no script that is in it, and to
/// show it to no other site.
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

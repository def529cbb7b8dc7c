public import Runtime
public import RuntimeConsole
public import RuntimeHTTP
import Synchronization

/// The web app on some runtime: its routes, and a server of them.
public struct WebApp<R: AsyncRuntime>: Sendable {
  private let runtime: R
  private let isDemo: Bool
  private let views: WebAppViews
  /// What shows what it does, if anything is to.
  private let console: Console?
  /// Set when the server is to end, so that what would go on for ever does not.
  public let isStopping = StopFlag()
  private let status = ServerStatus()

  /// The web app on `runtime`.
  ///
  /// - Parameters:
  ///   - isDemo: whether it offers the routes that go wrong on purpose.
  ///   - views: what it shows of itself.
  ///   - stalls: the stalls that it shows.
  public init(runtime: R, isDemo: Bool = false, views: WebAppViews = [], stalls: StallLog = StallLog()) {
    self.runtime = runtime
    self.isDemo = isDemo
    self.views = views
    var options = Console.Options()
    options.watchesTasksAlways = views.contains(.console)
    console = views.isEmpty ? nil : Console(runtime: runtime, stalls: stalls, options: options)
  }

  /// All that it answers.
  public var router: Router {
    let pages = Pages(runtime: runtime.name, workers: runtime.workerCount, isDemo: isDemo, views: views)
    let clock = runtime.clock
    var router = Router()
    router.use(NoSniffing())
    router.get("/", Routes.hello(pages))
    router.get("/sleep", Routes.sleep(clock, pages))
    router.get("/block", Routes.block(runtime, pages))
    router.get("/stall", Routes.stall(clock, pages))
    router.get("/work", Routes.work(clock, pages))
    router.get("/fail", Routes.fail(pages))
    router.get("/trap", Routes.trap(pages))
    router.post("/echo", Routes.echo)
    router.post("/echo/whole", Routes.echoWhole)
    router.get("/headers", Routes.headers)
    router.get("/stream", Routes.stream(clock, name: runtime.name, isStopping: isStopping))
    router.get("/bytes", Routes.bytes)
    router.get("/healthz", Routes.health)
    router.get("/runtime", Routes.status(runtime, status))
    router.get("/plaintext", Routes.plaintext)
    router.get("/favicon.ico", Routes.favicon)
    if views.contains(.metrics) { console?.addMetrics(to: &router) }
    if views.contains(.console) { console?.addPages(to: &router) }
    router.notFound = { request in pages.notFound(path: request.path) }
    return router
  }

  /// Makes a server of it that listens on `address`; it serves once it is run.
  ///
  /// - Throws: what the system says if the address cannot be listened on.
  public func makeServer(
    on address: SocketAddress, listening: ListenOptions = ListenOptions(), options: ServerOptions = ServerOptions()
  ) async throws(IOError) -> Server<R, Router> {
    try await makeServer(options) { options, router throws(IOError) in
      try await Server(runtime: runtime, address: address, listening: listening, options: options, handler: router)
    }
  }

  /// Makes a server of it that listens on a socket which another process has opened.
  ///
  /// - Throws: what the system says if it is no socket that listens.
  public func makeServer(
    on socket: InheritedSocket, options: ServerOptions = ServerOptions()
  ) async throws(IOError) -> Server<R, Router> {
    try await makeServer(options) { options, router throws(IOError) in
      try await Server(runtime: runtime, inherited: socket, options: options, handler: router)
    }
  }

  /// Makes a server of it by `make`, which gets the options that the web app needs and its routes: for servers of other
  /// listeners.
  public func makeServer<Failure: Error>(
    _ options: ServerOptions = ServerOptions(),
    by make: (ServerOptions, Router) async throws(Failure) -> Server<R, Router>
  ) async throws(Failure) -> Server<R, Router> {
    var options = options
    options.errorResponse = { [form = options.errorResponse] error, request in
      NoSniffing.marking(form(error, request))
    }
    if let console { options.observers.append(console.requests) }
    let server = try await make(options, router)
    status.watch { [weak server] in server?.metrics }
    console?.show(server)
    return server
  }
}

/// What the web app shows of itself. Nothing costs anything unless it is asked for.
public struct WebAppViews: OptionSet, Sendable {
  /// The bits.
  public let rawValue: Int

  /// The views with these bits.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// `/metrics`, for Prometheus, to every client.
  public static let metrics = WebAppViews(rawValue: 1)
  /// `/console`, to clients on this machine. Tasks are watched from the start.
  public static let console = WebAppViews(rawValue: 2)
}

/// Says whether the end has come; it comes once.
public final class StopFlag: Sendable {
  private let flag = Atomic(false)

  /// Whether the end has come.
  public var isSet: Bool { flag.load(ordering: .acquiring) }

  /// Says that it has.
  public func set() { flag.store(true, ordering: .releasing) }
}

/// The figures of a server that is made after the routes which show them.
final class ServerStatus: Sendable {
  private let source = Mutex<(@Sendable () -> ServerMetrics?)?>(nil)

  /// The server's figures; none are known before there is a server.
  var metrics: ServerMetrics { source.withLock { $0 }?() ?? ServerMetrics() }

  /// Takes the figures from `source` from now on.
  func watch(_ source: @escaping @Sendable () -> ServerMetrics?) { self.source.withLock { $0 = source } }
}

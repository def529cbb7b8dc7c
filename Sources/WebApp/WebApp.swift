public import Runtime
public import RuntimeConsole
public import RuntimeHTTP
import Synchronization

/// The web app on a runtime: its routes, and a server for them.
public struct WebApp<R: AsyncRuntime>: Sendable {
  private let runtime: R
  private let isDemo: Bool
  private let views: WebAppViews
  /// The console that shows its state, if it has any views.
  private let console: Console?
  /// Set when the server begins to shut down, so that endless responses end.
  public let isStopping = StopFlag()
  private let status = ServerStatus()

  /// Creates the web app on `runtime`.
  ///
  /// - Parameters:
  ///   - isDemo: Whether it offers the routes that misbehave on purpose.
  ///   - views: The views of its own state that it offers.
  ///   - stalls: The log of stalls that the views show.
  public init(runtime: R, isDemo: Bool = false, views: WebAppViews = [], stalls: StallLog = StallLog()) {
    self.runtime = runtime
    self.isDemo = isDemo
    self.views = views
    var options = Console.Options()
    options.watchesTasksAlways = views.contains(.console)
    console = views.isEmpty ? nil : Console(runtime: runtime, stalls: stalls, options: options)
  }

  /// The router with all routes.
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

  /// Creates a server that listens on `address`. It serves when it is run.
  ///
  /// - Throws: The system's error if it cannot listen on the address.
  public func makeServer(
    on address: SocketAddress, listening: ListenOptions = ListenOptions(), options: ServerOptions = ServerOptions()
  ) async throws(IOError) -> Server<R, Router> {
    try await makeServer(options) { options, router throws(IOError) in
      try await Server(runtime: runtime, address: address, listening: listening, options: options, handler: router)
    }
  }

  /// Creates a server that listens on a socket which another process has opened.
  ///
  /// - Throws: The system's error if the socket is not a listening socket.
  public func makeServer(
    on socket: InheritedSocket, options: ServerOptions = ServerOptions()
  ) async throws(IOError) -> Server<R, Router> {
    try await makeServer(options) { options, router throws(IOError) in
      try await Server(runtime: runtime, inherited: socket, options: options, handler: router)
    }
  }

  /// Creates a server by calling `make` with the web app's options and router, for instance with another listener.
  public func makeServer<Failure: Error>(
    _ options: ServerOptions = ServerOptions(),
    by make: (ServerOptions, Router) async throws(Failure) -> Server<R, Router>
  ) async throws(Failure) -> Server<R, Router> {
    var options = options
    options.errorResponse = { [makeResponse = options.errorResponse] error, request in
      NoSniffing.marking(makeResponse(error, request))
    }
    if let console { options.observers.append(console.requests) }
    let server = try await make(options, router)
    status.setSource { [weak server] in server?.metrics }
    console?.show(server)
    return server
  }
}

/// The views of its own state that the web app offers. A view that is not enabled costs nothing.
public struct WebAppViews: OptionSet, Sendable {
  /// The raw bits.
  public let rawValue: Int

  /// Creates a set from its raw bits.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// `/metrics`, for Prometheus. Every client may read it.
  public static let metrics = WebAppViews(rawValue: 1)
  /// `/console`, for clients on this machine. Tasks are watched from the start.
  public static let console = WebAppViews(rawValue: 2)
}

/// A flag that can be set once, to signal the end of the server.
public final class StopFlag: Sendable {
  private let flag = Atomic(false)

  /// Whether the flag is set.
  public var isSet: Bool { flag.load(ordering: .acquiring) }

  /// Sets the flag.
  public func set() { flag.store(true, ordering: .releasing) }
}

/// The metrics of a server that is created after the routes which show them.
final class ServerStatus: Sendable {
  private let source = Mutex<(@Sendable () -> ServerMetrics?)?>(nil)

  /// The server's metrics; all zero before there is a server.
  var metrics: ServerMetrics { source.withLock { $0 }?() ?? ServerMetrics() }

  /// Sets the source of the metrics.
  func setSource(_ source: @escaping @Sendable () -> ServerMetrics?) { self.source.withLock { $0 = source } }
}

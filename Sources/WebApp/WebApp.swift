import Runtime
import RuntimeHTTP
import Synchronization

/// The web app on some runtime.
struct WebApp<R: AsyncRuntime>: Sendable {
  let runtime: R
  let isDemo: Bool
  /// Set when the server is to end, so that what would go on for ever does not.
  let isStopping = StopFlag()
  let status = ServerStatus()

  init(runtime: R, isDemo: Bool = false) {
    self.runtime = runtime
    self.isDemo = isDemo
  }

  /// All that it answers.
  var router: Router {
    let pages = Pages(runtime: runtime.name, workers: runtime.workerCount, isDemo: isDemo)
    let clock = runtime.clock
    var router = Router()
    router.use(NoSniffing())
    router.get("/", Routes.hello(pages))
    router.get("/sleep", Routes.sleep(clock, pages))
    router.get("/block", Routes.block(runtime, pages))
    router.get("/stall", Routes.stall(clock, pages))
    router.get("/fail", Routes.fail(pages))
    router.post("/echo", Routes.echo)
    router.post("/echo/whole", Routes.echoWhole)
    router.get("/headers", Routes.headers)
    router.get("/stream", Routes.stream(clock, name: runtime.name, isStopping: isStopping))
    router.get("/healthz", Routes.health)
    router.get("/runtime", Routes.status(runtime, status))
    router.get("/plaintext", Routes.plaintext)
    router.get("/favicon.ico", Routes.favicon)
    router.notFound = { request in pages.notFound(path: request.path) }
    return router
  }

  /// A server of it that listens on `address`; it serves once it is run.
  func makeServer(
    on address: SocketAddress, options: ServerOptions = ServerOptions()
  ) async throws(IOError) -> Server<R, Router> {
    var options = options
    options.errorResponse = { [form = options.errorResponse] error, request in
      NoSniffing.marking(form(error, request))
    }
    let server = try await Server(runtime: runtime, address: address, options: options, handler: router)
    status.watch { [weak server] in server?.metrics }
    return server
  }
}

/// Says whether the end has come; it comes once.
final class StopFlag: Sendable {
  private let flag = Atomic(false)

  /// Whether the end has come.
  var isSet: Bool { flag.load(ordering: .acquiring) }

  /// Says that it has.
  func set() { flag.store(true, ordering: .releasing) }
}

/// The figures of a server that is made after the routes which show them.
final class ServerStatus: Sendable {
  private let source = Mutex<(@Sendable () -> ServerMetrics?)?>(nil)

  /// The server's figures; none are known before there is a server.
  var metrics: ServerMetrics { source.withLock { $0 }?() ?? ServerMetrics() }

  /// Takes the figures from `source` from now on.
  func watch(_ source: @escaping @Sendable () -> ServerMetrics?) { self.source.withLock { $0 = source } }
}

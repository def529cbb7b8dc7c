import Configuration
import Logging
import Runtime
import RuntimeConfiguration
import RuntimeHTTP
import RuntimeLogging
import RuntimeSelection
import RuntimeServiceLifecycle
import RuntimeSwiftMetrics
import RuntimeTracing
import ServiceLifecycle
import Tracing
import UnixSignals

/// A service with settings from flags, the environment and a file; with logs, metrics and traces; and with a store that
/// outlives the requests which use it.
@main struct Inventory: RuntimeProgram {
  let config: ConfigReader

  static func main() {
    let config = ConfigReader(providers: [CommandLineArgumentsProvider(), EnvironmentVariablesProvider()])
    Inventory(config: config).runOrExit(with: try RuntimeSettings(config: config))
  }

  func run(on runtime: some AsyncRuntime) async throws {
    let config = try await config.withFile()
    let errors = ErrorLog(to: LineWriter(descriptor: 2, format: config.string(forKey: "log") == "json" ? .json : .text))
    LoggingSystem.bootstrap(
      { label, provider in LineLogHandler(label: label, log: errors, metadataProvider: provider) },
      metadataProvider: .traceContext)
    let logger = Logger(label: "inventory")
    let (metrics, spans) = (TextMetrics(), SpanExport(logger: logger))
    InstrumentationSystem.bootstrap(spans.tracer)

    var options = try ServerOptions(config: config)
    options.inheritsTaskLocals = true
    options.log = { event in logger.log(event) }
    options.observers = [LoggedRequests(logger: logger), MeasuredRequests(factory: metrics)]

    let store = Store(logger: logger)
    let server = try await Server(
      runtime: runtime, address: try SocketAddress(config: config), options: options,
      handler: routes(store, metrics, logger))
    let reports = RuntimeReports(of: runtime, servers: ["public": { server.metrics }], factory: metrics)
    LineWriter(descriptor: 1).write("inventory on http://\(server.localAddress) (runtime \(runtime.name))")
    // They end in the reverse order: the server answers its last request before the store is closed.
    let services: [any Service] = [spans, store, reports, ServerService(server, on: runtime)]
    try await ServiceGroup(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
  }

  private func routes(_ store: Store, _ metrics: TextMetrics, _ logger: Logger) -> Router {
    var router = Router()
    router.use(RequestTracing())
    router.use(RequestLogging(logger: logger))
    router.get("/items/:name") { request in
      guard let item = try await store.item(request.parameters["name"] ?? "") else {
        throw HTTPError(.notFound, "There is no such item.")
      }
      return try .json(item)
    }
    router.put("/items/:name") { request in
      let item = try await Item(json: request.body.collect(upTo: 64 * 1024))
      try await store.set(request.parameters["name"] ?? "", to: item)
      Logger.current.info("counted", metadata: ["count": "\(item.count)"])
      return Response(status: .noContent)
    }
    router.get("/metrics") { _ in .text(metrics.text) }
    // It continues until the client disconnects or the service ends.
    router.get("/ticks") { _ in
      Response(
        headers: ["Content-Type": "text/event-stream"],
        body: .stream { writer in
          try await cancelWhenGracefulShutdown {
            for number in 1... {
              try await writer.write(Array("data: \(number)\n\n".utf8))
              try? await Task.sleep(for: .milliseconds(50))
              if Task.isCancelled { break }
            }
          }
          try await writer.write(Array("data: goodbye\n\n".utf8))
        })
    }
    return router
  }
}

extension ConfigReader {
  /// The same settings, with those of the JSON file that `config.filePath` names, if any, as a fallback.
  fileprivate func withFile() async throws -> ConfigReader {
    guard string(forKey: "config.filePath") != nil else { return self }
    return ConfigReader(providers: [
      CommandLineArgumentsProvider(), EnvironmentVariablesProvider(),
      try await FileProvider<JSONSnapshot>(config: scoped(to: "config")),
    ])
  }
}

public import Hummingbird
import Logging
public import Runtime
public import RuntimeHTTP
import RuntimeServiceLifecycle
import ServiceLifecycle
public import UnixSignals

extension Hummingbird.ApplicationProtocol {
  /// Runs the application on `runtime` until one of the signals comes, and then ends it gracefully, as
  /// `runService(gracefulShutdownSignals:)` does on SwiftNIO.
  ///
  /// Its responder, its services and what it does before the server starts are the application's, and so are its logger and
  /// its server name. The connections are Gearbox's: `server` (TLS, upgrades), `eventLoopGroup` and the rest of the
  /// `configuration` are not looked at. Handlers see the task-local values of the service: `gracefulShutdown()`,
  /// `Task.isShuttingDownGracefully`.
  ///
  /// - Parameters:
  ///   - address: where to listen. The one in `configuration` is not to be read.
  ///   - options: what is served how. A stream is ended when its client has gone, as in Hummingbird
  ///     (`ServerOptions.endsStreamsToHalfClosedClients`).
  ///   - gracefulShutdownSignals: the signals that end it.
  /// - Throws: what listening throws, and what a service throws.
  public func runService(
    on runtime: some AsyncRuntime, address: Runtime.SocketAddress, options: ServerOptions = ServerOptions(),
    gracefulShutdownSignals: [UnixSignal] = [.sigterm, .sigint]
  ) async throws {
    var options = options
    options.serverName = options.serverName ?? configuration.serverName
    options.inheritsTaskLocals = true
    options.endsStreamsToHalfClosedClients = true
    let service = EngineService(
      application: self, runtime: runtime, address: address, options: options,
      handler: HummingbirdHandler(responder: try await responder, logger: logger))
    let group = ServiceGroup(
      configuration: ServiceGroupConfiguration(
        services: services + [service], gracefulShutdownSignals: gracefulShutdownSignals, logger: logger))
    try await group.run()
  }
}

/// The server of an application, as a service beside the application's own.
private struct EngineService<App: Hummingbird.ApplicationProtocol, R: AsyncRuntime, H: Handler>: Service {
  let application: App
  let runtime: R
  let address: Runtime.SocketAddress
  let options: ServerOptions
  let handler: H

  func run() async throws {
    for process in application.processesRunBeforeServerStart { try await process() }
    let server = try await RuntimeHTTP.Server(runtime: runtime, address: address, options: options, handler: handler)
    application.logger.info("Server started and listening on \(server.localAddress)")
    let channel = EngineChannel(localAddress: server.localAddress)
    defer { channel.end() }
    await application.onServerRunning(channel)
    try await ServerService(server, on: runtime).run()
  }
}

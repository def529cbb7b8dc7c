public import Hummingbird
import Logging
public import Runtime
public import RuntimeHTTP
import RuntimeServiceLifecycle
import ServiceLifecycle
public import UnixSignals

extension Hummingbird.ApplicationProtocol {
  /// Runs the application on `runtime` until a signal arrives, and then shuts it down gracefully, like
  /// `runService(gracefulShutdownSignals:)` on SwiftNIO.
  ///
  /// The application provides its responder, services, processes to run before the server starts, logger and server
  /// name. Gearbox provides the connections: `server` (TLS, upgrades), `eventLoopGroup` and the rest of `configuration`
  /// are ignored. Handlers see the task-local values of the service: `gracefulShutdown()`,
  /// `Task.isShuttingDownGracefully`.
  ///
  /// - Parameters:
  ///   - address: the address to listen on. The one in `configuration` is not accessible.
  ///   - options: the server's options. Streams end when their client disconnects, as in Hummingbird
  ///     (`ServerOptions.endsStreamsToHalfClosedClients`).
  ///   - gracefulShutdownSignals: the signals that shut the application down.
  /// - Throws: the errors of listening and of the services.
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

/// The server of an application, as a service next to the application's own.
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
    defer { channel.tearDown() }
    await application.onServerRunning(channel)
    try await ServerService(server, on: runtime).run()
  }
}

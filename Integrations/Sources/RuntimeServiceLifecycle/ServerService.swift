public import Runtime
public import RuntimeHTTP
public import ServiceLifecycle

/// A server as a service of a `ServiceGroup`. It runs until the group shuts down, and then ends gracefully.
///
/// ```swift
/// options.inheritsTaskLocals = true  // handlers see the shutdown
/// let server = try await Server(runtime: runtime, address: address, options: options, handler: router)
/// let group = ServiceGroup(
///   services: [database, ServerService(server)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
/// try await group.run()
/// ```
///
/// A group shuts its services down in reverse order, one after another. A server listed after the database ends while
/// handlers can still use the database.
///
/// Requests in flight have `ServerOptions.shutdownGrace` to end. With `ServerOptions.inheritsTaskLocals` their handlers
/// observe the shutdown as services do: `Task.isShuttingDownGracefully`, `gracefulShutdown()`,
/// `cancelWhenGracefulShutdown`.
public struct ServerService<R: AsyncRuntime, H: Handler>: Service {
  private let runtime: R
  private let server: Server<R, H>

  /// Creates a service.
  ///
  /// - Parameters:
  ///   - server: a server that is not running yet.
  ///   - runtime: the server's runtime.
  public init(_ server: Server<R, H>, on runtime: R) {
    self.server = server
    self.runtime = runtime
  }

  /// Runs the server, and returns when it has ended.
  ///
  /// *Cancellation:* ends it like a graceful shutdown.
  ///
  /// - Throws: the errors of `Server.run()`, except if the server was shut down before it ran.
  public func run() async throws {
    try await withGracefulShutdownHandler {
      do { try await server.run() } catch let error as IOError where error.reason == .closed {}
    } onGracefulShutdown: { [runtime, server] in
      runtime.execute { await server.shutdown() }
    }
  }
}

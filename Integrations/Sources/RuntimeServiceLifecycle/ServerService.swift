public import Runtime
public import RuntimeHTTP
public import ServiceLifecycle

/// A server as a service of a `ServiceGroup`: it runs until the group shuts down, and then ends gracefully.
///
/// ```swift
/// options.inheritsTaskLocals = true  // handlers see the shutdown
/// let server = try await Server(runtime: runtime, address: address, options: options, handler: router)
/// let group = ServiceGroup(
///   services: [database, ServerService(server)], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
/// try await group.run()
/// ```
///
/// A group shuts its services down in the reverse order, one after another: a server that stands behind the database is
/// ended while handlers can still use that.
///
/// Requests in flight have `ServerOptions.shutdownGrace` to end. With `ServerOptions.inheritsTaskLocals` their handlers see
/// the shutdown as services do: `Task.isShuttingDownGracefully`, `gracefulShutdown()`, `cancelWhenGracefulShutdown`.
public struct ServerService<R: AsyncRuntime, H: Handler>: Service {
  private let runtime: R
  private let server: Server<R, H>

  /// - Parameters:
  ///   - server: one that does not run yet.
  ///   - runtime: the server's.
  public init(_ server: Server<R, H>, on runtime: R) {
    self.server = server
    self.runtime = runtime
  }

  /// Runs the server, and returns when it has ended.
  ///
  /// *Cancellation:* ends it as a graceful shutdown does.
  ///
  /// - Throws: what `Server.run()` throws, but for a server that has been shut down before it ran.
  public func run() async throws {
    try await withGracefulShutdownHandler {
      do { try await server.run() } catch let error as IOError where error.reason == .closed {}
    } onGracefulShutdown: { [runtime, server] in
      runtime.execute { await server.shutdown() }
    }
  }
}

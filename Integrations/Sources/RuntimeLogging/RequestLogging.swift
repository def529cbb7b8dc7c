public import Logging
public import RuntimeHTTP

/// A middleware that gives each request a logger with its identifier. Handlers and their callees use it as
/// `Logger.current`.
///
/// ```swift
/// router.use(RequestLogging(logger: logger))
/// router.get("/users/:id") { request in
///   Logger.current.info("looking")  // request_id=5f0c6a1b2d3e-1f-4
///   ...
/// }
/// ```
///
/// The metadata `request_id` is the identifier in the access log and in the server's events: the client's
/// `X-Request-Id` if it sends one. The logger is available in the handler, in the tasks that it starts, and while the
/// response's content is written.
public struct RequestLogging: Middleware {
  private let logger: Logger?

  /// Creates a middleware.
  ///
  /// - Parameter logger: the base of the requests' loggers. With `nil` it is the `Logger.current` of the server's task,
  ///   which connections inherit if `ServerOptions.inheritsTaskLocals` is set.
  public init(logger: Logger? = nil) { self.logger = logger }

  public func respond(to request: Request, next: any Handler) async throws -> Response {
    let logger = logger(for: request)
    var response = try await withLogger(logger) { _ in try await next.respond(to: request) }
    response.body = response.body.wrapping { produce in try await withLogger(logger) { _ in try await produce() } }
    return response
  }

  public func respondAtOnce(to request: Request, next: any Handler) throws -> Response? {
    let logger = logger(for: request)
    var response = try withLogger(logger) { _ in try next.respondAtOnce(to: request) }
    if let body = response?.body {
      response?.body = body.wrapping { produce in try await withLogger(logger) { _ in try await produce() } }
    }
    return response
  }

  private func logger(for request: Request) -> Logger {
    var logger = logger ?? .current
    logger[metadataKey: "request_id"] = .stringConvertible(RequestIdentity(request))
    return logger
  }
}

/// The identifier of a request in log lines. It is formatted only when a line is written.
package struct RequestIdentity: CustomStringConvertible, Sendable {
  private let request: Request

  package init(_ request: Request) { self.request = request }

  package var description: String { request.requestID }
}

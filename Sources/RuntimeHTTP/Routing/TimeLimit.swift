import Runtime

/// A middleware that gives up on what takes too long to respond, with a 503: on all of a server's handlers, on those of a
/// group, or on one.
///
/// ```swift
/// router.use(TimeLimit(.seconds(30), on: runtime.clock))
/// router.get("/report", using: [TimeLimit(.seconds(5), on: runtime.clock)]) { ... }
/// ```
///
/// When the time is over, the task of the handler is cancelled, and the connection goes on. A handler that takes no notice
/// of it is waited for, and what it returns is sent: nothing else could keep its work from piling up. The limit is for the
/// response and not for its content; see ``ServerOptions/stallTimeout`` for that. Routes that answer in a plain call
/// still do.
public struct TimeLimit<C: Clock<Duration>>: Middleware {
  private let limit: Duration
  private let clock: C

  /// A limit of `limit` on `clock`, which is best the runtime's.
  public init(_ limit: Duration, on clock: C) {
    self.limit = limit
    self.clock = clock
  }

  public func respond(to request: Request, next: any Handler) async throws -> Response {
    do {
      return try await withTimeout(limit, on: clock) { try await next.respond(to: request) }
    } catch is TimedOut {
      throw HTTPError(.serviceUnavailable)
    }
  }

  public func respondAtOnce(to request: Request, next: any Handler) throws -> Response? {
    try next.respondAtOnce(to: request)
  }
}

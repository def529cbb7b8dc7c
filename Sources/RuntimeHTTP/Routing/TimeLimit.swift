import Runtime

/// Middleware that responds with 503 if a handler takes too long. It can apply to all handlers of a server, to a group,
/// or to one route.
///
/// ```swift
/// router.use(TimeLimit(.seconds(30), on: runtime.clock))
/// router.get("/report", using: [TimeLimit(.seconds(5), on: runtime.clock)]) { ... }
/// ```
///
/// When the time is up, the handler's task is cancelled; the connection stays open. If the handler ignores
/// cancellation, it is still waited for and its response is sent, since otherwise its work could pile up. The limit
/// covers the response but not its content, for which there is ``ServerOptions/stallTimeout``. Routes that answer in a
/// plain call still do, and are not limited.
public struct TimeLimit<C: Clock<Duration>>: Middleware {
  private let limit: Duration
  private let clock: C

  /// Creates a limit measured by `clock`, which should be the runtime's clock.
  public init(_ limit: Duration, on clock: C) {
    self.limit = limit
    self.clock = clock
  }

  /// Returns the response of `next`, or throws ``HTTPError`` with ``Status/serviceUnavailable`` when the time is up.
  public func respond(to request: Request, next: any Handler) async throws -> Response {
    do {
      return try await withTimeout(limit, on: clock) { try await next.respond(to: request) }
    } catch is TimedOut {
      throw HTTPError(.serviceUnavailable)
    }
  }

  /// Returns the response that `next` gives in a plain call, which needs no limit.
  public func respondAtOnce(to request: Request, next: any Handler) throws -> Response? {
    try next.respondAtOnce(to: request)
  }
}

import Runtime

/// Answers the requests of a server's connections for both versions of HTTP: calls the handler, and turns its errors
/// into responses.
final class Responder<H: Handler>: Sendable {
  let context: ConnectionContext
  /// The executor for the tasks of HTTP/2 connections.
  let executor: any Executor
  private let handler: H

  init(_ context: ConnectionContext, handler: H, executor: any Executor) {
    self.context = context
    self.handler = handler
    self.executor = executor
  }

  /// Returns the response to `request`, or that for its error, if the handler answers in a plain call; otherwise `nil`.
  @inline(__always)
  func respondAtOnce(to request: Request) -> Response? {
    do {
      guard let response = try handler.respondAtOnce(to: request) else { return nil }
      return response.status.isFinal ? response : checkedInterim(response, request)
    } catch {
      return failure(error, request)
    }
  }

  /// Returns the response to `request`: that of the handler, or that for its error.
  @inline(__always)
  func respond(to request: Request) async -> Response {
    do {
      let response = try await response(to: request)
      return response.status.isFinal ? response : checkedInterim(response, request)
    } catch {
      return failure(error, request)
    }
  }

  /// A function of its own, so that the compiler knows that the caller is still on its executor when it returns.
  @inline(never)
  private func response(to request: Request) async throws -> Response { try await handler.respond(to: request) }

  /// Returns `response`, which has an interim status, if it takes over the stream. Nothing else may have such a status,
  /// so otherwise returns the response for an error.
  @inline(never)
  private func checkedInterim(_ response: Response, _ request: Request) -> Response {
    if case .takeover = response.body.storage { return response }
    return failure(NotFinal(status: response.status), request)
  }

  /// Returns the response for `error`.
  @inline(never)
  func failure(_ error: any Error, _ request: Request) -> Response {
    context.errors.response(to: routed(request), for: error)
  }

  /// Records and logs that `error` interrupted the response to `request`, which had begun.
  @inline(never)
  func logInterruption(of request: Request, by error: any Error) {
    context.errors.logInterruption(of: routed(request), by: error)
  }

  /// Returns `request` with its route. The router's copy is out of reach where errors are caught; they are rare enough
  /// to find the route again.
  private func routed(_ request: Request) -> Request {
    guard request.endpoint == nil, let router = handler as? Router else { return request }
    return router.routed(request)
  }
}

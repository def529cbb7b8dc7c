import Runtime

/// Answers the requests of a server's connections, whichever version of HTTP carried them: asks the handler, and makes a
/// response of what it throws.
final class Responder<H: Handler>: Sendable {
  let context: ConnectionContext
  /// Where the tasks of an HTTP/2 connection run.
  let executor: any Executor
  private let handler: H

  init(_ context: ConnectionContext, handler: H, executor: any Executor) {
    self.context = context
    self.handler = handler
    self.executor = executor
  }

  /// The response to `request`, if the handler gives one, or throws, in a plain call.
  @inline(__always)
  func respondAtOnce(to request: Request) -> Response? {
    do {
      guard let response = try handler.respondAtOnce(to: request) else { return nil }
      return response.status.isFinal ? response : interim(response, request)
    } catch {
      return failure(error, request)
    }
  }

  /// The response to `request`: the handler's, or what its error becomes.
  @inline(__always)
  func respond(to request: Request) async -> Response {
    do {
      let response = try await response(to: request)
      return response.status.isFinal ? response : interim(response, request)
    } catch {
      return failure(error, request)
    }
  }

  /// A function of its own, so that its caller knows that it is still on its executor when this returns.
  @inline(never)
  private func response(to request: Request) async throws -> Response { try await handler.respond(to: request) }

  /// What becomes of a response whose status is not final: only one that takes over the stream may have that.
  @inline(never)
  private func interim(_ response: Response, _ request: Request) -> Response {
    if case .takeover = response.body.storage { return response }
    return failure(NotFinal(status: response.status), request)
  }

  /// The response that `error` becomes.
  @inline(never)
  func failure(_ error: any Error, _ request: Request) -> Response {
    context.errors.response(to: routed(request), for: error)
  }

  /// Notes that `error` has broken off the response to `request`, which had begun.
  @inline(never)
  func noteBreak(of request: Request, by error: any Error) {
    context.errors.noteBreak(of: routed(request), by: error)
  }

  /// `request` with its route. That lies behind where errors are caught, and errors are so rare that it is found once more.
  private func routed(_ request: Request) -> Request {
    guard request.endpoint == nil, let router = handler as? Router else { return request }
    return router.routed(request)
  }
}

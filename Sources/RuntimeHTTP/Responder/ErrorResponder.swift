import Runtime

/// Turns errors into responses for all connections of a server, and logs those that are faults of the program.
final class ErrorResponder: Sendable {
  /// The error responder of requests that did not come to a server.
  static let standard = ErrorResponder(ServerOptions())

  private let makeResponse: @Sendable (HTTPError, Request?) -> Response
  private let write: @Sendable (LogEvent) -> Void

  init(_ options: ServerOptions) {
    makeResponse = options.errorResponse
    write = options.log
  }

  /// Returns the response for `error`, which was thrown while `request` was handled.
  func response(to request: Request, for error: any Error) -> Response {
    request.trace?.note(error)
    return response(for: publicError(for: error, request), request)
  }

  /// Returns the response for `error`. Its content is always in memory, and its status final.
  ///
  /// - Parameter request: The request, or as much of it as has been received.
  func response(for error: HTTPError, _ request: Request?) -> Response {
    var response = makeResponse(error, request)
    guard case .bytes = response.body.storage, response.status.isFinal else { return error.response }
    for (name, value) in error.headers where !response.headers.contains(name) { response.headers[name] = value }
    return response
  }

  /// Records and logs that `error` interrupted a response that had begun.
  func logInterruption(of request: Request, by error: any Error) {
    request.trace?.note(error)
    log(error, request)
  }

  /// Returns what the client may know of `error`. The error is logged, unless it was meant for the client or caused by
  /// it.
  private func publicError(for error: any Error, _ request: Request) -> HTTPError {
    if let error = error as? HTTPError, error.status.isFinal { return error }
    // A client that disconnects early, and a server that cancels at the end of its grace period, are not faults of the
    // handler.
    if error as? BodyError == .disconnected { return HTTPError(.badRequest, "The content is incomplete.") }
    if Task.isCancelled { return HTTPError(.serviceUnavailable) }
    // Not logged: the runtime's metrics count it, and a log line for each would add to the load.
    if error is BlockingWorkRefused { return HTTPError(.serviceUnavailable, headers: ["Retry-After": "1"]) }
    log(error, request)
    return HTTPError(.internalServerError)
  }

  /// Logs `error` with the request's method and path, but without its query, which may contain secrets.
  private func log(_ error: any Error, _ request: Request) {
    let context = LogEvent.Context(request: request.requestID, method: request.method.name, route: request.route)
    write(LogEvent(.error, "\(request.method) \(request.path): \(error)", about: context))
  }
}

/// The error for a handler's response whose status is not final (RFC 9110 section 15.2).
struct NotFinal: Error, CustomStringConvertible {
  let status: Status
  var description: String { "the handler's status, \(status.code), is not a final status" }
}

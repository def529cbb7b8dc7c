import Runtime

/// Makes responses of errors, for all connections of a server, and logs those that are faults of the program.
final class ErrorResponder: Sendable {
  /// For requests that have come to no server.
  static let standard = ErrorResponder(ServerOptions())

  private let form: @Sendable (HTTPError, Request?) -> Response
  private let write: @Sendable (LogEvent) -> Void

  init(_ options: ServerOptions) {
    form = options.errorResponse
    write = options.log
  }

  /// The response that `error`, thrown for `request`, becomes.
  func response(to request: Request, for error: any Error) -> Response {
    request.trace?.note(error)
    return response(for: publicError(for: error, request), request)
  }

  /// The response that `error` becomes: always bytes, and final.
  ///
  /// - Parameter request: the request as far as it has come.
  func response(for error: HTTPError, _ request: Request?) -> Response {
    var response = form(error, request)
    guard case .bytes = response.body.storage, response.status.isFinal else { return error.response }
    for (name, value) in error.headers where !response.headers.contains(name) { response.headers[name] = value }
    return response
  }

  /// Notes that `error` has broken off a response that had begun.
  func noteBreak(of request: Request, by error: any Error) {
    request.trace?.note(error)
    log(error, request)
  }

  /// What the client may know of `error`, which is logged unless it was meant for the client or is of its making.
  private func publicError(for error: any Error, _ request: Request) -> HTTPError {
    if let error = error as? HTTPError, error.status.isFinal { return error }
    // A peer that stops halfway, and a server that is out of patience, are no faults of the handler's.
    if error as? BodyError == .disconnected { return HTTPError(.badRequest, "The content is not whole.") }
    if Task.isCancelled { return HTTPError(.serviceUnavailable) }
    // The runtime's metrics count it: a line of the log for each would only add to the load.
    if error is BlockingWorkRefused { return HTTPError(.serviceUnavailable, headers: ["Retry-After": "1"]) }
    log(error, request)
    return HTTPError(.internalServerError)
  }

  /// Logs `error` with the request's method and path, but without its query, which may hold what should not lie about in
  /// logs.
  private func log(_ error: any Error, _ request: Request) {
    let context = LogEvent.Context(request: request.requestID, method: request.method.name, route: request.route)
    write(LogEvent(.error, "\(request.method) \(request.path): \(error)", about: context))
  }
}

/// A handler's response that cannot be the last word on a request (RFC 9110 section 15.2).
struct NotFinal: Error, CustomStringConvertible {
  let status: Status
  var description: String { "the handler's status, \(status.code), is not that of a final response" }
}

import Runtime

/// A handler's response that cannot be the last word on a request (RFC 9110 section 15.2).
struct NotFinal: Error, CustomStringConvertible {
  let status: Status
  var description: String { "the handler's status, \(status.code), is not that of a final response" }
}

/// What a handler's error becomes, whatever the version of HTTP.
extension ConnectionContext {
  /// The response that `error` becomes.
  func failure(_ error: any Error, _ request: Request) -> Response {
    request.trace?.note(error)
    return errorResponse(publicError(for: error, request), request)
  }

  /// What the client may know of `error`, which is logged unless it was meant for the client or is of its making.
  private func publicError(for error: any Error, _ request: Request) -> HTTPError {
    if let error = error as? HTTPError, error.status.isFinal { return error }
    // A peer that stops halfway, and a server that is out of patience, are no faults of the handler's.
    if error as? BodyError == .disconnected { return HTTPError(.badRequest, "The content is not whole.") }
    if Task.isCancelled { return HTTPError(.serviceUnavailable) }
    if error is BlockingWorkRefused { return Self.overloaded }
    log(error, request)
    return HTTPError(.internalServerError)
  }

  /// What a request gets that comes while all threads for blocking work are taken, which the runtime's metrics count: a
  /// line of the log for each would only add to the load.
  private static var overloaded: HTTPError { HTTPError(.serviceUnavailable, headers: ["Retry-After": "1"]) }

  /// Notes that `error` has broken off a response that had begun.
  func noteBreak(_ error: any Error, _ request: Request) {
    request.trace?.note(error)
    log(error, request)
  }

  /// Logs `error` with the request's method and path, but without its query, which may hold what should not lie about in
  /// logs.
  private func log(_ error: any Error, _ request: Request) {
    // The client has chosen the path, and perhaps what the error quotes.
    options.log("\(request.method) \(request.path): \(error)".onOneLine)
  }
}

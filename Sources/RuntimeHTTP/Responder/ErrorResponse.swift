/// What errors look like to clients.
extension ServerOptions {
  /// The response that `error` becomes: always bytes, and final.
  func response(for error: HTTPError, _ request: Request?) -> Response {
    var response = errorResponse(error, request)
    guard case .bytes = response.body.storage, response.status.isFinal else { return error.response }
    for (name, value) in error.headers where !response.headers.contains(name) { response.headers[name] = value }
    return response
  }
}

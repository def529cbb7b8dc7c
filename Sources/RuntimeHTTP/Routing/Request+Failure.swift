extension Request {
  /// The response that `error`, thrown by what is behind a middleware, has become when the middleware sees it.
  ///
  /// Only the errors that say what they want to be are told apart here: `Responder`, which makes responses of all errors
  /// and knows where to log them, is to supply it.
  func response(for error: any Error) -> Response {
    if let error = error as? HTTPError, error.status.isFinal { return error.response }
    return HTTPError(.internalServerError).response
  }
}

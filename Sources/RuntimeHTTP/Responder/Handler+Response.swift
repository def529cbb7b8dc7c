extension Handler {
  /// The response that a server with `options` gives to `request`, for tests of a handler without a server: what the
  /// handler throws has become a response, in the form of ``ServerOptions/errorResponse``.
  ///
  /// Only what makes responses of errors is taken from `options`. No observer hears of the request.
  public func response(to request: Request, options: ServerOptions = ServerOptions()) async -> Response {
    let errors = ErrorResponder(options)
    let request = request.answered(by: errors)
    do {
      let response = try await respond(to: request)
      if case .takeover = response.body.storage { return response }
      return response.status.isFinal
        ? response : errors.response(to: request, for: NotFinal(status: response.status))
    } catch {
      return errors.response(to: request, for: error)
    }
  }
}

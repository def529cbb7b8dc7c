import Runtime

extension Handler {
  /// The response that a server with `options` gives to `request`, for tests of a handler without a server: what the
  /// handler throws has become a response, in the form of ``ServerOptions/errorResponse``.
  ///
  /// Only what makes responses of errors is taken from `options`. No observer hears of the request.
  public func response(to request: Request, options: ServerOptions = ServerOptions()) async -> Response {
    let context = ConnectionContext(options)
    let responder = Responder(context, handler: self, executor: ExecutorPreference(nil))
    return await responder.respond(to: request.answered(by: context.errors))
  }
}

import Runtime

extension Handler {
  /// Returns the response that a server with `options` would give to `request`, for testing a handler without a server.
  /// Errors of the handler become responses, formed by ``ServerOptions/errorResponse``.
  ///
  /// Only the settings for error responses are taken from `options`. Observers are not called.
  public func response(to request: Request, options: ServerOptions = ServerOptions()) async -> Response {
    let context = ConnectionContext(options)
    let responder = Responder(context, handler: self, executor: ExecutorPreference(nil))
    return await responder.respond(to: request.withErrorResponder(context.errors))
  }
}

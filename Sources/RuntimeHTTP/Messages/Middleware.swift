/// Stands in front of handlers: it may change the request, change the response, or answer itself.
///
/// One that never waits is better an ``ImmediateMiddleware``.
///
/// ```swift
/// struct Patience: Middleware {
///   let permits: Permits
///   func respond(to request: Request, next: any Handler) async throws -> Response {
///     try await permits.withPermit { try await next.respond(to: request) }
///   }
/// }
/// ```
///
/// **Errors.** What `next` throws has become the response that its client would get when a middleware sees it, also
/// where `next` is another middleware: `next.respond(to:)` returns. What the outermost middleware throws becomes a
/// response as what a handler throws does.
///
/// **Content.** The response's content may be a stream that has yet to be written when `next` returns.
/// ``ResponseBody/wrapping(_:)`` keeps in force while it is written what was so around the handler;
/// ``ResponseBody/onEnd(_:)`` tells when it has been sent.
public protocol Middleware: Sendable {
  /// The response to `request`, which `next` gives for whatever this does not answer itself.
  func respond(to request: Request, next: any Handler) async throws -> Response

  /// The response to `request`, if it can be given in a plain call: without waiting for anything. See
  /// ``Handler/respondAtOnce(to:)``, which `next` is to be asked by.
  ///
  /// What has been done when it turns out that there is something to wait for is done again, since
  /// ``respond(to:next:)`` is called with the same request then. So a middleware that has `next` respond asks it first,
  /// and passes `nil` on before it does anything that must not be done twice.
  ///
  /// - Returns: `nil` where ``respond(to:next:)`` is to be called, which is the default: the routes behind this
  ///   middleware are not answered in plain calls then.
  func respondAtOnce(to request: Request, next: any Handler) throws -> Response?
}

extension Middleware {
  public func respondAtOnce(to request: Request, next: any Handler) throws -> Response? { nil }
}

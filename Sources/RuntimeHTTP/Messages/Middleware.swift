/// Code in front of handlers that may change the request, change the response, or answer the request itself.
///
/// Middleware that never waits should be an ``ImmediateMiddleware``.
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
/// **Errors.** Middleware does not see the errors of `next`: they have become the response that the client would get,
/// and `next.respond(to:)` returns it. This also holds if `next` is another middleware. An error of the outermost
/// middleware becomes a response in the same way as that of a handler.
///
/// **Content.** The content may be a stream that is written only after `next` has returned.
/// ``ResponseBody/wrapping(_:)`` extends the context of the handler to that, and ``ResponseBody/onEnd(_:)`` reports
/// when the content has been sent.
public protocol Middleware: Sendable {
  /// Returns the response to `request`: that of `next`, unless this middleware answers the request itself.
  func respond(to request: Request, next: any Handler) async throws -> Response

  /// Returns the response to `request` if this needs no waiting, in a plain call. Call `next` by
  /// ``Handler/respondAtOnce(to:)`` here.
  ///
  /// If the result is `nil`, ``respond(to:next:)`` is called with the same request, and everything that this function
  /// did is done again. So call `next` first, and return its `nil` before doing anything that must not be done twice.
  ///
  /// - Returns: `nil`, the default, if ``respond(to:next:)`` should be called. The routes behind this middleware are
  ///   then not answered in plain calls.
  func respondAtOnce(to request: Request, next: any Handler) throws -> Response?
}

extension Middleware {
  /// Returns `nil`, so that ``respond(to:next:)`` is called.
  public func respondAtOnce(to request: Request, next: any Handler) throws -> Response? { nil }
}

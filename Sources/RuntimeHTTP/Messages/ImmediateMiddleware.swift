/// A middleware that never waits: it sees each request on its way in and each response on its way out, once.
///
/// Routes behind it are answered in plain calls if they never wait themselves and nothing else that may wait stands in
/// front of them. It has no ``Middleware/respond(to:next:)`` of its own, which would not be called for those.
///
/// ```swift
/// struct RequireToken: ImmediateMiddleware {
///   let token: String
///   func before(_ request: inout Request) throws -> Response? {
///     request.headers["Authorization"] == "Bearer \(token)" ? nil : .text("Who are you?\n", status: .unauthorized)
///   }
/// }
///
/// struct NoSniffing: ImmediateMiddleware {
///   func after(_ response: inout Response, to request: Request) {
///     response.headers["X-Content-Type-Options"] = "nosniff"
///   }
/// }
/// ```
public protocol ImmediateMiddleware: Middleware {
  /// Looks at `request`, and may change it, before what is behind gets it.
  ///
  /// - Returns: the response, if this middleware answers itself: what is behind is not asked then, and
  ///   ``after(_:to:)`` is not called. `nil`, which is the default, has the request go on.
  func before(_ request: inout Request) throws -> Response?

  /// Looks at the response that what is behind has given, and may change it. It does nothing by default.
  ///
  /// - Parameter request: as ``before(_:)`` has left it.
  func after(_ response: inout Response, to request: Request) throws
}

extension ImmediateMiddleware {
  public func before(_ request: inout Request) throws -> Response? { nil }
  public func after(_ response: inout Response, to request: Request) throws {}

  /// The response of `next`, with ``before(_:)`` before it and ``after(_:to:)`` behind.
  public func respond(to request: Request, next: any Handler) async throws -> Response {
    var request = request
    if let response = try before(&request) { return response }
    var response = try await next.respond(to: request)
    try after(&response, to: request)
    return response
  }
}

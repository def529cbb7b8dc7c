/// Middleware that never waits. It sees each request before the handler and each response after it.
///
/// A route behind it is answered in a plain call if its handler never waits and all other middleware in front of it is
/// immediate too. An immediate middleware must not implement ``Middleware/respond(to:next:)``, which would not be
/// called for such routes.
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
  /// Inspects or changes `request` before the rest of the chain gets it.
  ///
  /// - Returns: The response, if this middleware answers the request itself. The rest of the chain and ``after(_:to:)``
  ///   are then not called. `nil`, the default, passes the request on.
  func before(_ request: inout Request) throws -> Response?

  /// Inspects or changes the response of the rest of the chain. Does nothing by default.
  ///
  /// - Parameter request: The request as ``before(_:)`` left it.
  func after(_ response: inout Response, to request: Request) throws
}

extension ImmediateMiddleware {
  /// Returns `nil`, which passes the request on.
  public func before(_ request: inout Request) throws -> Response? { nil }
  /// Does nothing.
  public func after(_ response: inout Response, to request: Request) throws {}

  /// Returns the response of `next`, with ``before(_:)`` called before it and ``after(_:to:)`` after it.
  public func respond(to request: Request, next: any Handler) async throws -> Response {
    var request = request
    if let response = try before(&request) { return response }
    var response = try await next.respond(to: request)
    try after(&response, to: request)
    return response
  }
}

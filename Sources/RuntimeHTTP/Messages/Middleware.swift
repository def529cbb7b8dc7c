/// Stands in front of a handler: it may change the request, change the response, or answer itself.
public protocol Middleware: Sendable {
  /// The response to `request`, which `next` gives for whatever this does not answer itself.
  func respond(to request: Request, next: any Handler) async throws -> Response
}

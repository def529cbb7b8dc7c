@testable import RuntimeHTTP

/// Leaves its name in the request on the way in, and in the response on the way out, and waits meanwhile.
struct Tag: Middleware {
  let name: String

  func respond(to request: Request, next: any Handler) async throws -> Response {
    var request = request
    request.headers["Path"] = (request.headers["Path"] ?? "") + name
    var response = try await next.respond(to: request)
    response.headers["Way"] = (response.headers["Way"] ?? "") + name
    return response
  }
}

@testable import RuntimeHTTP

/// Adds its name to a field of the request, waits for the response, and adds its name to a field of the response.
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

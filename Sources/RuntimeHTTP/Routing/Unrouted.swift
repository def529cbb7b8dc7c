/// Answers the requests that match no route of a router.
final class Unrouted: Sendable {
  private let routes: RouteTable
  private let notFound: Router.Function?

  init(_ routes: RouteTable, notFound: Router.Function?) {
    self.routes = routes
    self.notFound = notFound
  }

  /// Whether ``respondAtOnce(to:)`` answers every request.
  var neverWaits: Bool { notFound == nil }

  /// Returns the response to `request`, or `nil` if the program's own function for unknown paths has to answer.
  func respondAtOnce(to request: Request) throws -> Response? {
    let method = request.method
    let finding = try routes.find(request)
    // RFC 9110 section 9.3.6: the target of CONNECT has no path, and an origin server need not implement it. Section
    // 15.6.2: neither need it implement other methods that none of its resources support.
    if method == .connect || !method.isStandard && !routes.methods.contains(method) { throw HTTPError(.notImplemented) }
    if case .otherMethods(let methods) = finding { return respond(with: methods, to: request) }
    if method == .options, request.pathBytes.elementsEqual("*".utf8) {
      return respond(with: routes.methods, to: request)
    }
    return notFound == nil ? request.response(for: HTTPError(.notFound, "Not Found")) : nil
  }

  /// Returns the response to `request`.
  func respond(to request: Request) async throws -> Response {
    if let response = try respondAtOnce(to: request) { return response }
    return try await notFound?(request) ?? request.response(for: HTTPError(.notFound, "Not Found"))
  }

  /// Returns a response that lists the supported methods in `Allow` (RFC 9110 section 10.2.1). They include OPTIONS and
  /// HEAD, which the router answers itself.
  ///
  /// - Parameter registered: The methods that have routes, in the order in which these were registered.
  private func respond(with registered: [Method], to request: Request) -> Response {
    let allowed = Method.standard.filter { candidate in
      registered.contains(candidate) || candidate == .options || candidate == .head && registered.contains(.get)
    }
    let names = (allowed + registered.filter { !$0.isStandard }).map(\.name).joined(separator: ", ")
    if request.method == .options { return Response(status: .noContent, headers: ["Allow": names]) }
    let error = HTTPError(.methodNotAllowed, "Method Not Allowed", headers: ["Allow": names])
    return request.response(for: error)
  }
}

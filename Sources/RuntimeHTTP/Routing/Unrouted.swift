/// Answers the requests that a router has no route for.
final class Unrouted: Sendable {
  private let routes: RouteTable
  private let notFound: Router.Function?

  init(_ routes: RouteTable, notFound: Router.Function?) {
    self.routes = routes
    self.notFound = notFound
  }

  /// Whether ``respondAtOnce(to:)`` answers whatever request comes.
  var neverWaits: Bool { notFound == nil }

  /// The response to `request`; `nil` where it is that of the program's own function for paths without a route.
  func respondAtOnce(to request: Request) throws -> Response? {
    let method = request.method
    let finding = try routes.find(request)
    // RFC 9110 section 9.3.6: the target of CONNECT has no path, and an origin server need not know the method.
    // Section 15.6.2: nor any other that no resource of its supports.
    if method == .connect || !method.isStandard && !routes.methods.contains(method) { throw HTTPError(.notImplemented) }
    if case .otherMethods(let methods) = finding { return respond(with: methods, to: request) }
    if method == .options, request.pathBytes.elementsEqual("*".utf8) {
      return respond(with: routes.methods, to: request)
    }
    return notFound == nil ? request.response(for: HTTPError(.notFound, "Not Found")) : nil
  }

  /// The response to `request`.
  func respond(to request: Request) async throws -> Response {
    if let response = try respondAtOnce(to: request) { return response }
    return try await notFound?(request) ?? request.response(for: HTTPError(.notFound, "Not Found"))
  }

  /// RFC 9110 section 10.2.1: `Allow` is what the target supports, which for us includes what is answered for it.
  ///
  /// - Parameter registered: the methods that have routes, in the order in which those were registered.
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

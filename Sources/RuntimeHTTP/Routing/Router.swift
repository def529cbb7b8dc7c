import Runtime

/// A handler that selects the function for a request by its path and method.
///
/// ```swift
/// var router = Router()
/// router.get("/users/:id") { request in .text("user \(request.parameters["id"] ?? "")") }
/// router.get("/files/*path") { request in try await file(request.parameters.segments(of: "path") ?? []) }
/// router.post("/users") { request in try await create(request.body.collect(upTo: 65_536)) }
/// ```
///
/// **Paths.** A path is matched segment by segment. A segment of a route is either text, which must be equal; or
/// `:name`, which matches any segment that is not empty; or, in the last place, `*name`, which matches the rest of the
/// path, even if nothing follows the slash. Text takes precedence over `:name`, and `:name` over `*name`, from left to
/// right: with the routes `/a/:x/c` and `/a/b`, the path `/a/b/c` matches the first. A trailing slash is significant:
/// `/users` and `/users/` are different paths. Paths are not normalised: `//`, `.` and `..` are segments like any
/// other.
///
/// **Escapes.** Routes are written decoded. A segment of a request is decoded before it is compared or becomes a
/// parameter; `%2F` is part of its segment. A `%` that begins no escape, and a parameter that contains NUL or is not
/// UTF-8, results in ``Status/badRequest``.
///
/// **Methods.** The path is matched first. If it has no route for the method, `HEAD` is answered by the route for `GET`
/// (the engine omits the content), `OPTIONS` by a 204 that lists the methods in `Allow`, and any other method by
/// ``Status/methodNotAllowed`` with the same list. `OPTIONS *` lists the methods of all routes. A method that
/// ``Method`` does not declare and that no route has results in ``Status/notImplemented``, whatever the path.
///
/// **Middleware** applies, from the outside in, to all routes and to responses for requests without a route
/// (``use(_:)``), to a group of routes (``RouteBuilder/group(_:using:_:)``), or to one route
/// (`router.get("/account", using: [...]) { ... }`). The route is found before the middleware runs, so all middleware
/// knows ``Request/route`` and ``Request/parameters``; changing the method of a request does not change its route.
///
/// Registering a route that is invalid or already exists is a programming error. It ends the process with a message
/// that names the route.
public struct Router: Handler {
  /// A function that answers the requests of a route.
  public typealias Function = @Sendable (Request) async throws -> Response
  /// A function that answers the requests of a route without waiting.
  public typealias ImmediateFunction = @Sendable (Request) throws -> Response

  /// The contents of a router. They are immutable: changing a router replaces them. So a router is one word, which is
  /// passed on with each connection and request, and its contents are used without being copied.
  private final class Storage: Sendable {
    let routes: RouteTable
    let middleware: [any Middleware]
    let notFound: Function?
    /// The chain that answers requests without a route.
    let unrouted: Chain

    init(_ routes: RouteTable, middleware: [any Middleware], notFound: Function?) {
      self.routes = routes
      self.middleware = middleware
      self.notFound = notFound
      unrouted = .chain(middleware, endingIn: Unrouted(routes, notFound: notFound))
    }
  }

  private var storage = Storage(RouteTable(), middleware: [], notFound: nil)

  /// The function that answers requests for paths without a route.
  public var notFound: Function {
    get { storage.notFound ?? { $0.response(for: HTTPError(.notFound, "Not Found")) } }
    set { storage = Storage(storage.routes, middleware: storage.middleware, notFound: newValue) }
  }

  /// Creates a router without routes.
  public init() {}

  /// Puts `middleware` in front of all routes, including those already registered, and of responses for requests
  /// without a route. The middleware added first is the outermost.
  public mutating func use(_ middleware: some Middleware) {
    let middleware = storage.middleware + [middleware]
    var routes = storage.routes
    routes.setOuterMiddleware(middleware)
    storage = Storage(routes, middleware: middleware, notFound: storage.notFound)
  }

  /// Returns the response of the route that matches `request`.
  public func respond(to request: Request) async throws -> Response {
    // Values that live across the `await` below stay in memory as long as the connection, so there should be few.
    var request = request
    let (chain, label) = find(&request)
    let note = TaskNote(label)
    defer { note.clear() }
    if chain.neverWaits, let response = try chain.runAtOnce(&request) { return response }
    guard let function = chain.function else { return try await run(chain, request) }
    return try await function(request)
  }

  // Out of line, so that its variables take no memory in connections that do not need it.
  @inline(never)
  private func run(_ chain: Chain, _ request: Request) async throws -> Response { try await chain.run(request) }

  /// Returns the response of the route that matches `request`, if neither the route nor the middleware in front of it
  /// waits.
  public func respondAtOnce(to request: Request) throws -> Response? {
    var request = request
    let (chain, label) = find(&request)
    let note = TaskNote(label)
    defer { note.clear() }
    return try chain.runAtOnce(&request)
  }

  /// Returns `request` with its route, as the functions behind the router see it.
  func routed(_ request: Request) -> Request {
    var request = request
    _ = find(&request)
    return request
  }

  /// Finds the chain for `request`, and stores its route in it.
  private func find(_ request: inout Request) -> (Chain, TaskNote.Label) {
    // A path that cannot be decoded is looked up once more behind the middleware, where the error becomes a response.
    guard case .endpoint(let endpoint, let parameters) = try? storage.routes.find(request) else {
      request.endpoint = nil
      return (storage.unrouted, .none)
    }
    if let parameters { request.parameters = parameters }
    request.trace?.note(endpoint)
    // Read before the endpoint moves into the request, so that no reference to it is counted.
    let (chain, label) = (endpoint.chain, endpoint.label)
    request.endpoint = endpoint
    return (chain, label)
  }
}

extension Router: RouteBuilder {
  /// Registers `route`. Ends the process if it is invalid.
  public mutating func add(_ route: Route) {
    var routes = storage.routes
    routes.add(route, outerMiddleware: storage.middleware)
    storage = Storage(routes, middleware: storage.middleware, notFound: storage.notFound)
  }
}

import Runtime

/// Finds the handler for a request by its path and method.
///
/// ```swift
/// var router = Router()
/// router.get("/users/:id") { request in .text("user \(request.parameters["id"] ?? "")") }
/// router.get("/files/*path") { request in try await file(request.parameters.segments(of: "path") ?? []) }
/// router.post("/users") { request in try await create(request.body.collect(upTo: 65_536)) }
/// ```
///
/// **Paths.** A path is matched segment by segment. A segment of a route is text, which has to be the same; `:name`,
/// which stands for any segment that is not empty; or `*name` in the last place, which stands for all that is left, be
/// it nothing after the slash. Text goes before `:name`, and that before `*name`, wherever they stand in the path: with
/// `/a/:x/c` and `/a/b`, the path `/a/b/c` is the first. A trailing slash counts: `/users` and `/users/` are two paths.
/// Nothing is normalised: `//`, `.` and `..` are segments like any other.
///
/// **Escapes.** Routes are written decoded. A segment of a request is decoded before it is compared and before it becomes
/// a parameter; `%2F` is part of its segment. A `%` that begins no escape, and a parameter that holds NUL or is not UTF-8,
/// is a ``Status/badRequest``.
///
/// **Methods.** The path is found first. If it has no route for the method, `HEAD` is answered by the route for `GET`
/// (the engine leaves out the content), `OPTIONS` with a 204 that lists the methods in `Allow`, and anything else with a
/// ``Status/methodNotAllowed`` that does the same. `OPTIONS *` lists the methods of all routes. A method that is neither
/// one of those which ``Method`` declares nor that of any route is a ``Status/notImplemented`` for whatever path.
///
/// **Middleware** stands in front of all routes and of what is answered where there is no route (``use(_:)``), of a group
/// of routes (``RouteBuilder/group(_:using:_:)``), or of one (`router.get("/account", using: [...]) { ... }`), in this
/// order from outside. The route is found before the first of them is asked, so all of them know ``Request/route`` and
/// ``Request/parameters``; a middleware that changes the method does not lead to another route.
///
/// A route that makes no sense, or that is there already, is a mistake in the program: registering it ends the process
/// with a message that names it.
public struct Router: Handler {
  /// Answers the requests of a route.
  public typealias Function = @Sendable (Request) async throws -> Response
  /// Answers the requests of a route without waiting for anything.
  public typealias ImmediateFunction = @Sendable (Request) throws -> Response

  /// What a router is made of. It never changes: changing a router replaces it, so that a router is one word, which every
  /// connection and every request passes on, and what it holds can be used where it lies.
  private final class Rules: Sendable {
    let routes: RouteTable
    let middleware: [any Middleware]
    let notFound: Function?
    /// Where requests without a route are answered.
    let unrouted: Chain

    init(_ routes: RouteTable, behind middleware: [any Middleware], notFound: Function?) {
      self.routes = routes
      self.middleware = middleware
      self.notFound = notFound
      unrouted = .through(middleware, to: Unrouted(routes, notFound: notFound))
    }
  }

  private var rules = Rules(RouteTable(), behind: [], notFound: nil)

  /// Answers a request whose path has no route.
  public var notFound: Function {
    get { rules.notFound ?? { $0.response(for: HTTPError(.notFound, "Not Found")) } }
    set { rules = Rules(rules.routes, behind: rules.middleware, notFound: newValue) }
  }

  /// A router without routes.
  public init() {}

  /// Puts `middleware` in front of every route, those registered before included, and in front of what is answered
  /// where there is no route. Of several, the first is the outermost.
  public mutating func use(_ middleware: some Middleware) {
    let middleware = rules.middleware + [middleware]
    var routes = rules.routes
    routes.put(behind: middleware)
    rules = Rules(routes, behind: middleware, notFound: rules.notFound)
  }

  /// The response of the route that `request` is for.
  public func respond(to request: Request) async throws -> Response {
    // What has to be kept while a function waits is kept as long as the connection lives: there should be little of it.
    var request = request
    let (chain, label) = find(&request)
    let note = TaskNote(label)
    defer { note.clear() }
    if chain.neverWaits, let response = try chain.runAtOnce(&request) { return response }
    guard let function = chain.function else { return try await run(chain, request) }
    return try await function(request)
  }

  // Out of line, so that what it needs is not kept by connections that do without.
  @inline(never)
  private func run(_ chain: Chain, _ request: Request) async throws -> Response { try await chain.run(request) }

  /// The response of the route that `request` is for, if neither that nor the middleware in front of it waits.
  public func respondAtOnce(to request: Request) throws -> Response? {
    var request = request
    let (chain, label) = find(&request)
    let note = TaskNote(label)
    defer { note.clear() }
    return try chain.runAtOnce(&request)
  }

  /// `request` as it is behind the router: with its route.
  func routed(_ request: Request) -> Request {
    var request = request
    _ = find(&request)
    return request
  }

  /// Finds out what `request` goes through, and lets it know its route.
  private func find(_ request: inout Request) -> (Chain, TaskNote.Label) {
    // A path that cannot be decoded is found out once more, and answered, behind the middleware.
    guard case .endpoint(let endpoint, let parameters) = try? rules.routes.find(request) else {
      request.endpoint = nil
      return (rules.unrouted, .none)
    }
    if !parameters.isEmpty { request.parameters = parameters }
    request.endpoint = endpoint
    request.trace?.note(endpoint)
    return (endpoint.chain, endpoint.label)
  }
}

extension Router: RouteBuilder {
  /// Registers `route`.
  public mutating func add(_ route: Route) {
    var routes = rules.routes
    routes.add(route, behind: rules.middleware)
    rules = Rules(routes, behind: rules.middleware, notFound: rules.notFound)
  }
}

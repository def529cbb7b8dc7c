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
/// ``Status/methodNotAllowed`` that does the same. `OPTIONS *` lists the methods of all routes.
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
    let notFound: Function

    init(routes: RouteTable, middleware: [any Middleware], notFound: @escaping Function) {
      self.routes = routes
      self.middleware = middleware
      self.notFound = notFound
    }
  }

  private var rules = Rules(
    routes: RouteTable(), middleware: [], notFound: { _ in .text("Not Found\n", status: .notFound) })

  /// Answers a request whose path has no route.
  public var notFound: Function {
    get { rules.notFound }
    set { rules = Rules(routes: rules.routes, middleware: rules.middleware, notFound: newValue) }
  }

  /// A router without routes.
  public init() {}

  /// Has `respond` answer requests for `path` with `method`.
  public mutating func on(_ method: Method, _ path: String, _ respond: @escaping Function) {
    add(method, path, .waiting(respond))
  }

  /// Has `respond`, which never waits, answer requests for `path` with `method`.
  public mutating func on(_ method: Method, _ path: String, _ respond: @escaping ImmediateFunction) {
    add(method, path, .immediate(respond))
  }

  private mutating func add(_ method: Method, _ path: String, _ function: RouteTable.Function) {
    var routes = rules.routes
    routes.add(method, path, function)
    rules = Rules(routes: routes, middleware: rules.middleware, notFound: rules.notFound)
  }

  /// Has `respond` answer `GET` requests for `path`, and `HEAD` requests where nothing else does.
  public mutating func get(_ path: String, _ respond: @escaping Function) { on(.get, path, respond) }

  /// Has `respond`, which never waits, answer `GET` requests for `path`, and `HEAD` requests where nothing else does.
  public mutating func get(_ path: String, _ respond: @escaping ImmediateFunction) { on(.get, path, respond) }

  /// Has `respond` answer `POST` requests for `path`.
  public mutating func post(_ path: String, _ respond: @escaping Function) { on(.post, path, respond) }

  /// Has `respond`, which never waits, answer `POST` requests for `path`.
  public mutating func post(_ path: String, _ respond: @escaping ImmediateFunction) { on(.post, path, respond) }

  /// Has `respond` answer `PUT` requests for `path`.
  public mutating func put(_ path: String, _ respond: @escaping Function) { on(.put, path, respond) }

  /// Has `respond`, which never waits, answer `PUT` requests for `path`.
  public mutating func put(_ path: String, _ respond: @escaping ImmediateFunction) { on(.put, path, respond) }

  /// Has `respond` answer `PATCH` requests for `path`.
  public mutating func patch(_ path: String, _ respond: @escaping Function) { on(.patch, path, respond) }

  /// Has `respond`, which never waits, answer `PATCH` requests for `path`.
  public mutating func patch(_ path: String, _ respond: @escaping ImmediateFunction) { on(.patch, path, respond) }

  /// Has `respond` answer `DELETE` requests for `path`.
  public mutating func delete(_ path: String, _ respond: @escaping Function) { on(.delete, path, respond) }

  /// Has `respond`, which never waits, answer `DELETE` requests for `path`.
  public mutating func delete(_ path: String, _ respond: @escaping ImmediateFunction) { on(.delete, path, respond) }

  /// Puts `middleware` in front of every route, those registered before included, and in front of what is answered
  /// where there is no route. Of several, the first is the outermost.
  public mutating func use(_ middleware: some Middleware) {
    rules = Rules(routes: rules.routes, middleware: rules.middleware + [middleware], notFound: rules.notFound)
  }

  /// The response of the route that `request` is for.
  public func respond(to request: Request) async throws -> Response {
    rules.middleware.isEmpty ? try await dispatch(request) : try await respondThroughMiddleware(to: request)
  }

  // Out of line, so that what it needs is not kept by connections that do without.
  @inline(never)
  private func respondThroughMiddleware(to request: Request) async throws -> Response {
    try await Chain(middleware: rules.middleware[...], router: self).respond(to: request)
  }

  /// The response where there is no middleware, and the route for `request`, if there is one, never waits.
  public func respondAtOnce(to request: Request) throws -> Response? {
    guard rules.middleware.isEmpty else { return nil }
    var request = request
    guard case .now(let response) = try answer(to: &request) else { return nil }
    return response
  }

  fileprivate func dispatch(_ request: Request) async throws -> Response {
    var request = request
    switch try answer(to: &request) {
    case .now(let response): return response
    case .later(let function, let label):
      let note = TaskNote(label)
      defer { note.clear() }
      return try await function(request)
    }
  }

  private enum Answer {
    case now(Response)
    case later(Function, TaskNote.Label)
  }

  /// Finds the route, and does all that can be done without waiting: what has to be kept while a function waits is kept
  /// as long as the connection lives, so that there should be little of it.
  private func answer(to request: inout Request) throws -> Answer {
    let path = request.pathBytes
    let hasEscapes = path.span.firstIndex(of: UInt8(ascii: "%")) != nil
    guard !hasEscapes || PercentEncoding.isWellFormed(path.span) else {
      throw HTTPError(.badRequest, "A % in the path is not followed by two hexadecimal digits.")
    }
    guard let match = rules.routes.match(path.span, hasEscapes: hasEscapes) else {
      return try answerWithoutRoute(to: request)
    }
    guard let route = rules.routes.route(for: request.method, at: match) else {
      return .now(respondWithMethods(of: rules.routes.methods(at: match), to: request.method))
    }
    if !match.captures.isEmpty {
      request.parameters = try parameters(route.parameterNames, match.captures, of: path)
    }
    switch route.function {
    case .immediate(let respond):
      let note = TaskNote(route.label)
      defer { note.clear() }
      return .now(try respond(request))
    case .waiting(let respond): return .later(respond, route.label)
    }
  }

  private func answerWithoutRoute(to request: Request) throws -> Answer {
    // RFC 9110 section 9.3.6: the target of CONNECT has no path, and an origin server need not know the method.
    if request.method == .connect { throw HTTPError(.notImplemented) }
    if request.method == .options, request.pathBytes.elementsEqual("*".utf8) {
      return .now(respondWithMethods(of: rules.routes.methods, to: .options))
    }
    return .later(rules.notFound, .none)
  }

  /// RFC 9110 section 10.2.1: `Allow` is what the target supports, which for us includes what is answered for it.
  private func respondWithMethods(of registered: some Sequence<Method>, to method: Method) -> Response {
    var allowed = Set(registered)
    allowed.insert(.options)
    if allowed.contains(.get) { allowed.insert(.head) }
    var response =
      method == .options
      ? Response(status: .noContent) : .text("Method Not Allowed\n", status: .methodNotAllowed)
    let methods = Method.Standard.allCases.map { Method($0) }.filter(allowed.contains)
    response.headers["Allow"] = methods.map(\.name).joined(separator: ", ")
    return response
  }

  private func parameters(
    _ names: [String], _ captures: [Range<Int>], of path: ArraySlice<UInt8>
  ) throws(HTTPError) -> PathParameters {
    var parameters = PathParameters()
    for (name, range) in zip(names, captures) {
      var segments: [String] = []
      if !range.isEmpty {
        for segment in path[(path.startIndex + range.lowerBound)..<(path.startIndex + range.upperBound)].split(
          separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        {
          guard let text = PercentEncoding.decode(segment) else {
            throw HTTPError(.badRequest, "The path holds NUL or is not UTF-8 where its parameter \(name) is.")
          }
          segments.append(text)
        }
      }
      parameters.append(name, segments)
    }
    return parameters
  }
}

/// What is left of the way through the middleware to the routes.
private struct Chain: Handler {
  let middleware: ArraySlice<any Middleware>
  let router: Router

  func respond(to request: Request) async throws -> Response {
    guard let first = middleware.first else { return try await router.dispatch(request) }
    return try await first.respond(to: request, next: Chain(middleware: middleware.dropFirst(), router: router))
  }
}

/// What routes are registered with: a ``Router``, or a ``RouteGroup`` of one.
public protocol RouteBuilder {
  /// Registers `route`.
  mutating func add(_ route: Route)
}

extension RouteBuilder {
  /// Registers routes whose paths begin with `prefix` and that have `middleware` in front of them.
  ///
  /// ```swift
  /// router.group("/api", using: [RequireToken(token)]) { api in
  ///   api.get("/users/:id") { request in ... }
  ///   api.group("/admin", using: [AdministratorsOnly()]) { admin in
  ///     admin.delete("/users/:id") { request in ... }
  ///   }
  /// }
  /// ```
  ///
  /// The middleware of a group is in front of its routes and of nothing else: a path below `prefix` that has no route, or
  /// none for the method, is answered without it. That of an outer group is the outer one, and that of ``Router/use(_:)``
  /// is outside all of them.
  ///
  /// - Parameters:
  ///   - prefix: what the paths begin with. It begins with a slash and does not end with one, or is empty, for routes
  ///     that have only their middleware in common.
  ///   - middleware: of several, the first is the outermost.
  ///   - build: registers the group's routes. The path of one may be empty: it is that of the prefix then.
  public mutating func group(
    _ prefix: String = "", using middleware: [any Middleware] = [], _ build: (inout RouteGroup) throws -> Void
  ) rethrows {
    if prefix.hasSuffix("/") { reject(prefix, "the prefix of a group does not end with a slash") }
    var group = RouteGroup()
    try build(&group)
    for route in group.routes { add(route.under(prefix, middleware)) }
  }

  /// Has `respond` answer requests for `path` with `method`.
  public mutating func on(
    _ method: Method, _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    add(Route(method, path, using: middleware, respond))
  }

  /// Has `respond`, which never waits, answer requests for `path` with `method`.
  public mutating func on(
    _ method: Method, _ path: String, using middleware: [any Middleware] = [],
    _ respond: @escaping Router.ImmediateFunction
  ) {
    add(Route(method, path, using: middleware, respond))
  }

  /// Has `respond` answer `GET` requests for `path`, and `HEAD` requests where nothing else does.
  public mutating func get(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    on(.get, path, using: middleware, respond)
  }

  /// Has `respond`, which never waits, answer `GET` requests for `path`, and `HEAD` requests where nothing else does.
  public mutating func get(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.ImmediateFunction
  ) {
    on(.get, path, using: middleware, respond)
  }

  /// Has `respond` answer `POST` requests for `path`.
  public mutating func post(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    on(.post, path, using: middleware, respond)
  }

  /// Has `respond`, which never waits, answer `POST` requests for `path`.
  public mutating func post(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.ImmediateFunction
  ) {
    on(.post, path, using: middleware, respond)
  }

  /// Has `respond` answer `PUT` requests for `path`.
  public mutating func put(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    on(.put, path, using: middleware, respond)
  }

  /// Has `respond`, which never waits, answer `PUT` requests for `path`.
  public mutating func put(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.ImmediateFunction
  ) {
    on(.put, path, using: middleware, respond)
  }

  /// Has `respond` answer `PATCH` requests for `path`.
  public mutating func patch(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    on(.patch, path, using: middleware, respond)
  }

  /// Has `respond`, which never waits, answer `PATCH` requests for `path`.
  public mutating func patch(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.ImmediateFunction
  ) {
    on(.patch, path, using: middleware, respond)
  }

  /// Has `respond` answer `DELETE` requests for `path`.
  public mutating func delete(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    on(.delete, path, using: middleware, respond)
  }

  /// Has `respond`, which never waits, answer `DELETE` requests for `path`.
  public mutating func delete(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.ImmediateFunction
  ) {
    on(.delete, path, using: middleware, respond)
  }

  /// Has `respond` answer requests to go on with another protocol at `path`, as ``Response/upgrade(to:headers:_:)`` does:
  /// `GET` requests, which ask so over HTTP/1.1, and `CONNECT` requests with a path, which ask so over HTTP/2 (RFC 8441).
  ///
  /// ```swift
  /// router.upgrade("/echo") { request in
  ///   guard request.offersUpgrade(to: "echo") else { throw HTTPError(.upgradeRequired, headers: ["Upgrade": "echo"]) }
  ///   return .upgrade(to: "echo") { stream in ... }
  /// }
  /// ```
  public mutating func upgrade(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    on(.get, path, using: middleware, respond)
    on(.connect, path, using: middleware, respond)
  }
}

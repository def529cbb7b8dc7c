/// A type that routes are registered with: a ``Router`` or a ``RouteGroup``.
public protocol RouteBuilder {
  /// Registers `route`.
  mutating func add(_ route: Route)
}

extension RouteBuilder {
  /// Registers routes that share the path prefix `prefix` and the middleware `middleware`.
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
  /// The middleware of a group applies to its routes only: a request for a path below `prefix` that has no route, or no
  /// route for the method, does not pass through it. The middleware of an outer group is outside that of an inner one,
  /// and that of ``Router/use(_:)`` is outside both.
  ///
  /// - Parameters:
  ///   - prefix: The prefix of the paths. It begins with a slash and does not end with one, or is empty for routes that
  ///     share only middleware.
  ///   - middleware: The middleware, outermost first.
  ///   - build: A function that registers the routes of the group. A route with an empty path is at the prefix itself.
  public mutating func group(
    _ prefix: String = "", using middleware: [any Middleware] = [], _ build: (inout RouteGroup) throws -> Void
  ) rethrows {
    if prefix.hasSuffix("/") { reject(prefix, "the prefix of a group must not end with a slash") }
    var group = RouteGroup()
    try build(&group)
    for route in group.routes { add(route.prefixed(by: prefix, outerMiddleware: middleware)) }
  }

  /// Registers `respond` for requests with `method` for `path`.
  public mutating func on(
    _ method: Method, _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    add(Route(method, path, using: middleware, respond))
  }

  /// Registers `respond`, which never waits, for requests with `method` for `path`.
  public mutating func on(
    _ method: Method, _ path: String, using middleware: [any Middleware] = [],
    _ respond: @escaping Router.ImmediateFunction
  ) {
    add(Route(method, path, using: middleware, respond))
  }

  /// Registers `respond` for `GET` requests for `path`, and for `HEAD` requests if `path` has no route for them.
  public mutating func get(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    on(.get, path, using: middleware, respond)
  }

  /// Registers `respond`, which never waits, for `GET` requests for `path`, and for `HEAD` requests if `path` has no
  /// route for them.
  public mutating func get(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.ImmediateFunction
  ) {
    on(.get, path, using: middleware, respond)
  }

  /// Registers `respond` for `POST` requests for `path`.
  public mutating func post(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    on(.post, path, using: middleware, respond)
  }

  /// Registers `respond`, which never waits, for `POST` requests for `path`.
  public mutating func post(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.ImmediateFunction
  ) {
    on(.post, path, using: middleware, respond)
  }

  /// Registers `respond` for `PUT` requests for `path`.
  public mutating func put(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    on(.put, path, using: middleware, respond)
  }

  /// Registers `respond`, which never waits, for `PUT` requests for `path`.
  public mutating func put(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.ImmediateFunction
  ) {
    on(.put, path, using: middleware, respond)
  }

  /// Registers `respond` for `PATCH` requests for `path`.
  public mutating func patch(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    on(.patch, path, using: middleware, respond)
  }

  /// Registers `respond`, which never waits, for `PATCH` requests for `path`.
  public mutating func patch(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.ImmediateFunction
  ) {
    on(.patch, path, using: middleware, respond)
  }

  /// Registers `respond` for `DELETE` requests for `path`.
  public mutating func delete(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    on(.delete, path, using: middleware, respond)
  }

  /// Registers `respond`, which never waits, for `DELETE` requests for `path`.
  public mutating func delete(
    _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.ImmediateFunction
  ) {
    on(.delete, path, using: middleware, respond)
  }

  /// Registers `respond` for requests to switch to another protocol at `path`, which it answers by
  /// ``Response/upgrade(to:headers:_:)``. These are `GET` requests over HTTP/1.1, and `CONNECT` requests with a path
  /// over HTTP/2 (RFC 8441).
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

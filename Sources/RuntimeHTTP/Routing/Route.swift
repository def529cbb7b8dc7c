/// A method, a path pattern, the function that answers matching requests, and the middleware in front of it.
public struct Route: Sendable {
  /// The function that answers the requests of a route.
  enum Function: Sendable {
    case waiting(Router.Function)
    case immediate(Router.ImmediateFunction)
  }

  /// The method of the requests.
  public let method: Method
  /// The pattern of the paths, such as `/users/:id`.
  public let path: String
  /// The middleware of this route and of its groups; the first is the outermost.
  let middleware: [any Middleware]
  let function: Function

  /// Creates a route whose requests `respond` answers, behind `middleware`, of which the first is the outermost.
  public init(
    _ method: Method, _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    self.init(method, path, middleware, .waiting(respond))
  }

  /// Creates a route whose requests `respond` answers without waiting, behind `middleware`, of which the first is the
  /// outermost.
  public init(
    _ method: Method, _ path: String, using middleware: [any Middleware] = [],
    _ respond: @escaping Router.ImmediateFunction
  ) {
    self.init(method, path, middleware, .immediate(respond))
  }

  private init(_ method: Method, _ path: String, _ middleware: [any Middleware], _ function: Function) {
    self.method = method
    self.path = path
    self.middleware = middleware
    self.function = function
  }

  /// Returns this route with `prefix` in front of its path and `outer` in front of its middleware, as a member of a
  /// group.
  func prefixed(by prefix: String, outerMiddleware outer: [any Middleware]) -> Route {
    Route(method, prefix + path, outer + middleware, function)
  }
}

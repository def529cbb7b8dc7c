/// A route: what answers the requests for a path with a method, and the middleware in front of that.
public struct Route: Sendable {
  /// What answers the requests of a route.
  enum Function: Sendable {
    case waiting(Router.Function)
    case immediate(Router.ImmediateFunction)
  }

  /// The method it is for.
  public let method: Method
  /// The pattern of the paths it is for, as in `/users/:id`.
  public let path: String
  /// What stands in front of it and no other, or of its groups; the first is the outermost.
  let middleware: [any Middleware]
  let function: Function

  /// A route whose requests `respond` answers, with `middleware` in front of it, of which the first is the outermost.
  public init(
    _ method: Method, _ path: String, using middleware: [any Middleware] = [], _ respond: @escaping Router.Function
  ) {
    self.init(method, path, middleware, .waiting(respond))
  }

  /// A route whose requests `respond`, which never waits, answers, with `middleware` in front of it, of which the first
  /// is the outermost.
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

  /// The route that this one is in a group with that prefix and that middleware.
  func under(_ prefix: String, _ outer: [any Middleware]) -> Route {
    Route(method, prefix + path, outer + middleware, function)
  }
}

import Runtime

/// A route in a router, with everything that is computed once, when it is registered.
final class Endpoint: Sendable {
  let route: Route
  /// The names of the path's parameters, in order. They are stored with the route because `GET /a/:x` and `PUT /a/:y`
  /// share nodes of a ``RouteTable``.
  let parameterNames: [String]
  /// All middleware, ending in the route's function.
  let chain: Chain
  /// The label that a task shows while it answers a request of this route.
  let label: TaskNote.Label

  /// Creates the endpoint of `route`, with `outer` in front of the route's own middleware.
  init(_ route: Route, parameterNames: [String], outerMiddleware outer: [any Middleware]) {
    self.route = route
    self.parameterNames = parameterNames
    chain = .chain(outer + route.middleware, endingIn: route.function)
    label = TaskNote.Label("\(route.method) \(route.path)")
  }

  /// Returns an endpoint of the same route, with `outer` in front of the route's own middleware.
  func withOuterMiddleware(_ outer: [any Middleware]) -> Endpoint {
    Endpoint(route, parameterNames: parameterNames, outerMiddleware: outer)
  }
}

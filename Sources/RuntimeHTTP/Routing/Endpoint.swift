import Runtime

/// A route as a router keeps it: with what is made of it once, when it is registered.
final class Endpoint: Sendable {
  let route: Route
  /// The names of the path's parameters, in order. They belong to the route: `GET /a/:x` and `PUT /a/:y` share nodes of a
  /// ``RouteTable``.
  let parameterNames: [String]
  /// The way through all middleware to the route's function.
  let chain: Chain
  /// What a task that answers such a request says that it does.
  let label: TaskNote.Label

  /// The endpoint of `route`, with `outer` in front of its own middleware.
  init(_ route: Route, parameterNames: [String], behind outer: [any Middleware]) {
    self.route = route
    self.parameterNames = parameterNames
    chain = .through(outer + route.middleware, to: route.function)
    label = TaskNote.Label("\(route.method) \(route.path)")
  }

  /// The same route with other middleware in front of its own.
  func behind(_ outer: [any Middleware]) -> Endpoint { Endpoint(route, parameterNames: parameterNames, behind: outer) }
}

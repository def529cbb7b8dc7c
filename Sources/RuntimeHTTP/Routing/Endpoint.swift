import Runtime

/// Where a router leads requests: a route with what is made of it once, when it is registered; or that for requests which
/// have no route.
final class Endpoint: Sendable {
  /// `nil`: it is where requests without a route are answered.
  let route: Route?
  /// The names of the path's parameters, in order. They belong to the route: `GET /a/:x` and `PUT /a/:y` share nodes of a
  /// ``RouteTable``.
  let parameterNames: [String]
  /// The way through all middleware to what answers.
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

  /// The endpoint of requests without a route.
  init(_ unrouted: Unrouted, behind outer: [any Middleware]) {
    route = nil
    parameterNames = []
    chain = .through(outer, to: unrouted)
    label = .none
  }

  /// The method it is for.
  var method: Method? { route?.method }

  /// The same route with other middleware in front of its own.
  func behind(_ outer: [any Middleware]) -> Endpoint {
    route.map { Endpoint($0, parameterNames: parameterNames, behind: outer) } ?? self
  }
}

/// Routes that have the beginning of their paths, or some middleware, in common; see ``RouteBuilder/group(_:using:_:)``.
public struct RouteGroup: RouteBuilder, Sendable {
  private(set) var routes: [Route] = []

  /// Registers `route` with this group: its path goes on where the prefix of the group ends.
  public mutating func add(_ route: Route) {
    if !route.path.isEmpty, !route.path.hasPrefix("/") { reject(route.path, "it does not begin with a slash") }
    routes.append(route)
  }
}

/// Routes that share a path prefix or middleware; see ``RouteBuilder/group(_:using:_:)``.
public struct RouteGroup: RouteBuilder, Sendable {
  private(set) var routes: [Route] = []

  /// Adds `route` to this group. Its path is appended to the prefix of the group. Traps if the path is neither empty
  /// nor begins with a slash.
  public mutating func add(_ route: Route) {
    if !route.path.isEmpty, !route.path.hasPrefix("/") { reject(route.path, "it does not begin with a slash") }
    routes.append(route)
  }
}

/// What the path held where the route has a parameter.
public struct PathParameters: Sendable {
  /// No parameters.
  public init() {}
}

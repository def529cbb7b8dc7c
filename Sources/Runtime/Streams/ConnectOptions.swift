/// How to connect.
public struct ConnectOptions: Hashable, Sendable {
  /// Sends what is written at once (`TCP_NODELAY`).
  public var noDelay = true

  /// The usual options.
  public init() {}
}

/// How to connect.
public struct ConnectOptions: Hashable, Sendable {
  /// What the connection is set to.
  public var tcp = TCPOptions()

  /// The usual options.
  public init() {}
}

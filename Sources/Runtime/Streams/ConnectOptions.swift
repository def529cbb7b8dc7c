/// Options for connecting.
public struct ConnectOptions: Hashable, Sendable {
  /// The options of the connection.
  public var tcp = TCPOptions()

  /// Creates the default options.
  public init() {}
}

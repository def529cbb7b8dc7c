/// What a server is doing: figures of one moment, taken without stopping it.
public struct ServerMetrics: Hashable, Sendable {
  /// Connections that are open.
  public var openConnections = 0
  /// Connections there have been, the open ones among them.
  public var totalConnections = 0
  /// Requests there have been, those in flight among them.
  public var totalRequests = 0
  /// Requests that are being answered.
  public var requestsInFlight = 0
  /// The bytes that connections hold for their clients, to within 16 KiB a connection; see
  /// ``ServerOptions/maximumHeldLength``.
  public var heldBytes = 0
  /// Requests that were refused because there was too much to do; see ``OverloadOptions``.
  public var shedRequests = 0
  /// Whether there is too much to do just now.
  public var isOverloaded = false

  /// Nothing going on.
  public init() {}

  init(openConnections: Int, totalConnections: Int, totalRequests: Int) {
    self.openConnections = openConnections
    self.totalConnections = totalConnections
    self.totalRequests = totalRequests
  }
}

/// A snapshot of a server's figures, taken without stopping it.
public struct ServerMetrics: Hashable, Sendable {
  /// The number of open connections.
  public var openConnections = 0
  /// The number of connections so far, including open ones.
  public var totalConnections = 0
  /// The number of requests so far, including those in flight.
  public var totalRequests = 0
  /// The number of requests that are being answered.
  public var requestsInFlight = 0
  /// The number of bytes that connections hold for their clients, to within 16 KiB per connection; see
  /// ``ServerOptions/maximumHeldLength``.
  public var heldBytes = 0
  /// The number of requests refused because of overload; see ``OverloadOptions``.
  public var shedRequests = 0
  /// Whether the server is overloaded at the moment.
  public var isOverloaded = false

  /// Creates metrics in which everything is zero.
  public init() {}

  init(openConnections: Int, totalConnections: Int, totalRequests: Int) {
    self.openConnections = openConnections
    self.totalConnections = totalConnections
    self.totalRequests = totalRequests
  }
}

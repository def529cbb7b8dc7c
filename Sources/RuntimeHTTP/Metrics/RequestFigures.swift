import Runtime

/// The number of requests with the same route, method and kind of outcome, and the totals of their durations and sizes.
public struct RequestFigures: Hashable, Sendable {
  /// The pattern of the route, such as `/users/:id`; `nil` if no route was found.
  public let route: String?
  /// The method; `nil` for all methods that ``Method`` does not declare, and for requests that could not be parsed.
  public let method: String?
  /// The first digit of the status, 1 to 5; 0 if no response was begun.
  public let statusClass: Int
  /// Whether the engine answered or ended these requests without calling a handler.
  public let isRefused: Bool

  /// The durations from the end of the head to the end of the response.
  public private(set) var durations = DurationHistogram()
  /// The number of bytes of content received.
  public private(set) var receivedBytes = 0
  /// The number of bytes of content sent.
  public private(set) var sentBytes = 0
  /// The number of requests whose clients disconnected before the end: ``RequestRecord/Ending/clientGone``.
  public private(set) var goneClients = 0
  /// The number of requests whose clients took too long: ``RequestRecord/Ending/timedOut``.
  public private(set) var timeouts = 0
  /// The number of requests whose responses were interrupted: ``RequestRecord/Ending/failed``.
  public private(set) var failures = 0

  /// The number of requests.
  public var count: Int { durations.count }

  /// Creates figures without any requests.
  public init(route: String?, method: String?, statusClass: Int, isRefused: Bool = false) {
    self.route = route
    self.method = method
    self.statusClass = statusClass
    self.isRefused = isRefused
  }

  /// The sort key.
  var order: (String, String, Int, Int) { (route ?? "", method ?? "", statusClass, isRefused ? 1 : 0) }

  mutating func add(_ record: RequestRecord) {
    durations.add(record.nanoseconds)
    receivedBytes += record.receivedLength
    sentBytes += record.sentLength
    switch record.ending {
    case .clientGone: goneClients += 1
    case .timedOut: timeouts += 1
    case .failed: failures += 1
    default: break
    }
  }
}

import Runtime

/// How many requests there were with the same route, method and kind of outcome, and what they took.
public struct RequestFigures: Hashable, Sendable {
  /// The pattern of the route, as in `/users/:id`; `nil` where no route was found.
  public let route: String?
  /// The method; `nil` for all those that ``Method`` does not declare, and where none was readable.
  public let method: String?
  /// The first digit of the status, 1 to 5; 0 where no response was begun.
  public let statusClass: Int
  /// Whether the engine has answered, or ended, them without asking a handler.
  public let isRefused: Bool

  /// How long they took, from the end of the head to the end of the response.
  public private(set) var durations = DurationHistogram()
  /// The bytes of content that came.
  public private(set) var receivedBytes = 0
  /// The bytes of content that were sent.
  public private(set) var sentBytes = 0
  /// Those whose clients went away first: ``RequestRecord/Ending/clientGone``.
  public private(set) var goneClients = 0
  /// Those whose clients took too long: ``RequestRecord/Ending/timedOut``.
  public private(set) var timeouts = 0
  /// Those whose responses were broken off: ``RequestRecord/Ending/failed``.
  public private(set) var failures = 0

  /// How many there were.
  public var count: Int { durations.count }

  /// No requests.
  public init(route: String?, method: String?, statusClass: Int, isRefused: Bool = false) {
    self.route = route
    self.method = method
    self.statusClass = statusClass
    self.isRefused = isRefused
  }

  /// What figures are sorted by.
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

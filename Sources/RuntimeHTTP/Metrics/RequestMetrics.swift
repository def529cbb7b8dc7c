import RuntimePrimitives

/// A request observer that counts requests and measures their durations, by route, method and outcome.
///
/// ```swift
/// let requests = RequestMetrics()
/// options.observers.append(requests)
/// ...
/// for figures in requests.figures { print(figures.route ?? "-", figures.count, figures.durations.sum) }
/// ```
///
/// The number of figures is bounded by the routes, methods and kinds of outcome, whatever clients send.
public final class RequestMetrics: RequestObserver {
  /// The properties that requests counted together have in common.
  private struct Key: Hashable {
    /// The identity of the endpoint; `nil` if no route was found.
    var endpoint: ObjectIdentifier?
    /// The index among the standard methods, or their count for all others.
    var method: Int
    var statusClass: Int
    var isRefused: Bool
  }

  private struct Entry {
    /// Retained, so that its identity is not reused.
    var endpoint: Endpoint?
    var figures: RequestFigures

    init(_ endpoint: Endpoint?, _ key: Key) {
      self.endpoint = endpoint
      figures = RequestFigures(
        route: endpoint?.route.path,
        method: key.method < Method.standard.count ? Method.standard[key.method].name : nil,
        statusClass: key.statusClass, isRefused: key.isRefused)
    }
  }

  private let entries = Lock<[Key: Entry]>([:])

  /// Creates metrics without any requests.
  public init() {}

  /// Counts the request.
  public func requestEnded(_ record: RequestRecord) {
    let endpoint = record.request?.endpoint
    let method = record.request.flatMap { Method.standard.firstIndex(of: $0.method) } ?? Method.standard.count
    let statusClass = record.status.map { Int($0.code) / 100 } ?? 0
    let key = Key(
      endpoint: endpoint.map(ObjectIdentifier.init), method: method, statusClass: statusClass,
      isRefused: record.isRefused)
    entries.withLock { $0[key, default: Entry(endpoint, key)].figures.add(record) }
  }

  /// The figures so far, one for each combination that has occurred, sorted by route, method and status.
  public var figures: [RequestFigures] {
    entries.withLock { $0.values.map(\.figures) }.sorted { $0.order < $1.order }
  }
}

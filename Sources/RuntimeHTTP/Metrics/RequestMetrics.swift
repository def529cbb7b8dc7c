import RuntimePrimitives

/// Counts the requests of a server, and how long they took: by route, by method and by what came of them.
///
/// ```swift
/// let requests = RequestMetrics()
/// options.observers.append(requests)
/// ...
/// for figures in requests.figures { print(figures.route ?? "-", figures.count, figures.durations.sum) }
/// ```
///
/// There are as many figures as routes, methods and kinds of outcome, whatever clients send.
public final class RequestMetrics: RequestObserver {
  /// What is counted together.
  private struct Key: Hashable {
    /// Which endpoint; `nil` where no route was found.
    var endpoint: ObjectIdentifier?
    /// The place among the methods that are declared, or one beyond for all others.
    var method: Int
    var statusClass: Int
    var isRefused: Bool
  }

  private struct Entry {
    /// Kept, so that its identity remains its own.
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

  /// No requests.
  public init() {}

  public func requestEnded(_ record: RequestRecord) {
    let endpoint = record.request?.endpoint
    let method = record.request.flatMap { Method.standard.firstIndex(of: $0.method) } ?? Method.standard.count
    let statusClass = record.status.map { Int($0.code) / 100 } ?? 0
    let key = Key(
      endpoint: endpoint.map(ObjectIdentifier.init), method: method, statusClass: statusClass,
      isRefused: record.isRefused)
    entries.withLock { $0[key, default: Entry(endpoint, key)].figures.add(record) }
  }

  /// The figures so far, one for each combination that there has been, ordered by route, method and status.
  public var figures: [RequestFigures] {
    entries.withLock { $0.values.map(\.figures) }.sorted { $0.order < $1.order }
  }
}

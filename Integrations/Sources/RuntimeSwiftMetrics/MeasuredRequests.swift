public import CoreMetrics
public import RuntimeHTTP
import Synchronization

/// A request observer that reports each completed request to swift-metrics, with the names of OpenTelemetry's semantic
/// conventions for HTTP servers.
///
/// ```swift
/// options.observers.append(MeasuredRequests())
/// ```
///
/// | metric | kind | |
/// |---|---|---|
/// | `http.server.request.duration` | timer | from the end of the head to the end of the response |
/// | `http.server.request.body.size` | recorder | bytes of content received |
/// | `http.server.response.body.size` | recorder | bytes of content sent |
///
/// The dimensions are `http.request.method`, `http.route`, `http.response.status_code`, and, for failures,
/// `error.type`: the status from 500 on, or `client_gone`, `timed_out` or `failed` if the response was not delivered
/// completely. The number of series is bounded by the routes, methods and statuses, whatever clients send.
public final class MeasuredRequests: RequestObserver {
  private struct Key: Hashable {
    var method: Method?
    var route: String?
    var status: Status?
    var ending: RequestRecord.Ending
  }

  /// Unchecked: these types call handlers that must be thread-safe, and do not mutate themselves.
  private struct Measures: @unchecked Sendable {
    let duration: CoreMetrics.Timer
    let received: Recorder
    let sent: Recorder
  }

  private let factory: any MetricsFactory
  /// Created once per key, because a factory may be slow.
  private let measures = Mutex<[Key: Measures]>([:])

  /// Creates an observer.
  ///
  /// - Parameter factory: the factory of the metrics; `nil` for that of the process, which must be bootstrapped
  ///   already.
  public init(factory: (any MetricsFactory)? = nil) { self.factory = factory ?? MetricsSystem.factory }

  public func requestEnded(_ record: RequestRecord) {
    let key = Key(
      method: record.request.map(\.method).flatMap { $0.isStandard ? $0 : nil }, route: record.request?.route,
      status: record.status, ending: record.ending)
    let measures = measures.withLock { all in
      if let known = all[key] { return known }
      let new = make(dimensions(of: key))
      all[key] = new
      return new
    }
    measures.duration.recordNanoseconds(record.duration.nanoseconds)
    measures.received.record(record.receivedLength)
    measures.sent.record(record.sentLength)
  }

  private func make(_ dimensions: [(String, String)]) -> Measures {
    Measures(
      duration: CoreMetrics.Timer(label: "http.server.request.duration", dimensions: dimensions, factory: factory),
      received: Recorder(label: "http.server.request.body.size", dimensions: dimensions, factory: factory),
      sent: Recorder(label: "http.server.response.body.size", dimensions: dimensions, factory: factory))
  }

  private func dimensions(of key: Key) -> [(String, String)] {
    var dimensions = [("http.request.method", key.method?.name ?? "_OTHER")]
    if let route = key.route { dimensions.append(("http.route", route)) }
    if let status = key.status { dimensions.append(("http.response.status_code", "\(status.code)")) }
    if key.ending != .complete {
      dimensions.append(("error.type", "\(key.ending)".split(separator: " ").joined(separator: "_")))
    } else if let status = key.status, status.isServerError {
      dimensions.append(("error.type", "\(status.code)"))
    }
    return dimensions
  }
}

extension Duration {
  /// The duration in nanoseconds, clamped to 292 years.
  fileprivate var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? .max : product &+ attoseconds / 1_000_000_000
  }
}

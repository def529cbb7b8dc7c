public import Logging
public import RuntimeHTTP

/// A request observer that logs each completed request, with the data of an access log as metadata.
///
/// ```swift
/// options.observers.append(LoggedRequests(logger: logger))
/// ```
///
/// The metadata has the names of the JSON access log (`docs/operating.md`): `peer`, `request_id`, `method`, `target`,
/// `version`, `route`, `status`, `received`, `sent`, `duration` in seconds, `end`, `error`. Unknown values are omitted.
///
/// The connection's task, and so all other requests of the connection, wait for the log handler. `AccessLog` of
/// `RuntimeHTTP` costs a fraction of it if each request needs a line.
public struct LoggedRequests: RequestObserver {
  private let logger: Logger
  private let level: Logger.Level

  /// Creates an observer.
  ///
  /// - Parameter level: the log level of the requests.
  public init(logger: Logger, level: Logger.Level = .info) {
    self.logger = logger
    self.level = level
  }

  public func requestEnded(_ record: RequestRecord) {
    logger.log(level: level, message(of: record), metadata: metadata(of: record), source: "Gearbox")
  }

  private func message(of record: RequestRecord) -> Logger.Message {
    let status = record.status.map { "\($0.code)" } ?? "\(record.ending)"
    guard let request = record.request else { return "unreadable request: \(status)" }
    return "\(request.method) \(request.target) \(status)"
  }

  private func metadata(of record: RequestRecord) -> Logger.Metadata {
    var metadata: Logger.Metadata = [
      "request_id": .string(record.requestID), "received": "\(record.receivedLength)", "sent": "\(record.sentLength)",
      "duration": "\(record.duration / .seconds(1))", "end": "\(record.ending)",
    ]
    metadata["peer"] = record.remoteAddress.map { "\($0)" }
    if let request = record.request {
      metadata["method"] = "\(request.method)"
      metadata["target"] = .string(request.target)
      metadata["version"] = "\(request.version)"
      metadata["route"] = request.route.map { .string($0) }
    }
    metadata["status"] = record.status.map { "\($0.code)" }
    metadata["error"] = record.error.map { "\($0)" }
    return metadata
  }
}

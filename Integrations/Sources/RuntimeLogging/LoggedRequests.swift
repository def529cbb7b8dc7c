public import Logging
public import RuntimeHTTP

/// Logs each request that has ended, with what an access log says of it as metadata.
///
/// ```swift
/// options.observers.append(LoggedRequests(logger: logger))
/// ```
///
/// The metadata has the names of the access log in JSON (`docs/operating.md`): `peer`, `request_id`, `method`, `target`,
/// `version`, `route`, `status`, `received`, `sent`, `duration` in seconds, `end`, `error`. What is not known is left out.
///
/// The connection's task waits while the log handler works, and with it all other requests of the connection. Where each
/// request is to have a line, `AccessLog` of `RuntimeHTTP` costs a fraction of it.
public struct LoggedRequests: RequestObserver {
  private let logger: Logger
  private let level: Logger.Level

  /// - Parameter level: at which the line of each request is logged.
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

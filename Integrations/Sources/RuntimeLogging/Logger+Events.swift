public import Logging
public import Runtime

extension Logger {
  /// Logs an event of a server, with the request that it is about as metadata (`request_id`, `method`, `route`).
  ///
  /// ```swift
  /// options.log = { event in logger.log(event) }
  /// ```
  ///
  /// The server calls it on its workers. Many log handlers block their caller while they write; ``LineLogHandler`` does
  /// not.
  public func log(_ event: Runtime.LogEvent) {
    var metadata: Metadata = [:]
    if let context = event.context {
      metadata = ["request_id": .string(context.request), "method": .string(context.method)]
      metadata["route"] = context.route.map { .string($0) }
    }
    for field in event.fields { metadata[field.name] = .string(field.value) }
    log(level: Level(event.level), Message(stringLiteral: event.message), metadata: metadata, source: "Gearbox")
  }

  /// Logs a stall as a warning.
  ///
  /// ```swift
  /// RuntimeSettings.fromEnvironment().run(program, onStall: { stall in logger.log(stall) })
  /// ```
  public func log(_ stall: Stall) {
    var metadata: Metadata = ["runtime": .string(stall.runtime), "worker": .string(stall.worker)]
    metadata["activity"] = stall.activity.map { .string($0) }
    metadata["task"] = stall.task.map { .string($0) }
    warning("stall: \(stall)", metadata: metadata, source: "Gearbox")
  }
}

extension Logger.Level {
  /// Creates the level with the same name.
  init(_ level: Runtime.LogEvent.Level) {
    // All of Gearbox's level names exist in swift-log.
    self = Self(rawValue: level.name) ?? .error
  }
}

extension Runtime.LogEvent.Level {
  /// Creates the level with the same name.
  init(_ level: Logger.Level) {
    self =
      switch level {
      case .trace: .trace
      case .debug: .debug
      case .info: .info
      case .notice: .notice
      case .warning: .warning
      case .error: .error
      case .critical: .critical
      }
  }
}

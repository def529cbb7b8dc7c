public import Logging
public import Runtime

/// A log handler that writes through an `ErrorLog`: in lines like those of the server, and without ever waiting for the
/// descriptor.
///
/// ```swift
/// let errors = ErrorLog(to: LineWriter(descriptor: STDERR_FILENO, format: .json))
/// LoggingSystem.bootstrap { label, provider in LineLogHandler(label: label, log: errors, metadataProvider: provider) }
/// ```
///
/// In JSON each metadata entry is a member, and the label is `logger`. Whatever the message and the metadata contain,
/// an event is one line without control characters. A line that does not fit into the writer's buffer is dropped and
/// reported.
public struct LineLogHandler: LogHandler {
  public var logLevel: Logger.Level = .info
  public var metadata: Logger.Metadata = [:]
  public var metadataProvider: Logger.MetadataProvider?
  private let label: String
  private let errors: ErrorLog

  /// Creates a handler that writes to `log`.
  public init(label: String, log: ErrorLog, metadataProvider: Logger.MetadataProvider? = nil) {
    self.label = label
    errors = log
    self.metadataProvider = metadataProvider
  }

  public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  public func log(event: Logging.LogEvent) {
    // The innermost value wins, as in swift-log's own handlers.
    var known = metadata
    if let metadataProvider { known.merge(metadataProvider.get()) { $1 } }
    if let own = event.metadata { known.merge(own) { $1 } }
    if let error = event.error { known["error"] = "\(error)" }
    var fields = label.isEmpty ? [] : [Runtime.LogEvent.Field("logger", label)]
    for (name, value) in known.sorted(by: { $0.key < $1.key }) {
      fields.append(Runtime.LogEvent.Field(name, "\(value)"))
    }
    errors.write(Runtime.LogEvent(.init(event.level), event.message.description, fields: fields))
  }
}

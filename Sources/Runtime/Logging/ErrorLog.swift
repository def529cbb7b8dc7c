/// A program's log of errors and warnings: one line per event, with its time and level.
///
/// ```swift
/// let errors = ErrorLog(to: LineWriter(descriptor: 2, format: .json))
/// serverOptions.log = { errors.write($0) }
/// stallOptions.report = { errors.write($0) }
/// ```
///
/// Its methods may be called on any thread and never wait for the log to be written.
public final class ErrorLog: Sendable {
  /// The log on standard error, as text. Servers and runtimes write here by default.
  public static let standard = ErrorLog(to: .standardError)

  private let writer: LineWriter
  private let stalls = StallPace()

  /// Creates a log that writes to `writer`, in the writer's format.
  public init(to writer: LineWriter) { self.writer = writer }

  /// Writes `event` with the current time.
  public func write(_ event: LogEvent) { writer.write(event) }

  /// Writes `stall`, unless a line about a stall was written less than a second ago, so that a process in which
  /// everything stalls does not flood its log. The next line counts the stalls that got none.
  public func write(_ stall: Stall) {
    guard let unreported = stalls.next() else { return }
    let others = unreported == 0 ? "" : "; \(unreported) more since the last line"
    write(LogEvent(.warning, "stall: \(stall)\(others)"))
  }
}

/// What a program says of what goes wrong: a line for each event, with the time and how much it matters.
///
/// ```swift
/// let errors = ErrorLog(to: LineWriter(descriptor: 2, format: .json))
/// serverOptions.log = { errors.write($0) }
/// stallOptions.report = { errors.write($0) }
/// ```
///
/// The methods may be called on any thread, and never wait for the log to be written.
public final class ErrorLog: Sendable {
  /// The log on standard error, in text: where servers and runtimes write unless told otherwise.
  public static let standard = ErrorLog(to: .standardError)

  private let writer: LineWriter
  private let stalls = StallPace()

  /// A log in the format of `writer`.
  public init(to writer: LineWriter) { self.writer = writer }

  /// Writes `event`, at the present time.
  public func write(_ event: LogEvent) { writer.write(event) }

  /// Writes `stall`, unless a line about one went out less than a second ago: a process in which everything stalls must
  /// not drown its log in that. Stalls without a line are counted in the next one.
  public func write(_ stall: Stall) {
    guard let untold = stalls.next() else { return }
    let others = untold == 0 ? "" : "; \(untold) more since the last line"
    write(LogEvent(.warning, "stall: \(stall)\(others)"))
  }
}

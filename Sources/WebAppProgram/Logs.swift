import Glibc
import Runtime

/// The destinations of the program's log lines.
struct Logs {
  /// The log settings from the command line and the environment.
  struct Settings: Equatable {
    /// The format of access log lines; `nil` disables the access log.
    var access: LogFormat?
    /// The file for the access log; `nil` for standard output.
    var accessFile: String?
    var errors = LogFormat.text

    /// Whether standard output has the access log in JSON, so that every line there has to be JSON.
    var accessIsJSONOnOutput: Bool { access == .json && accessFile == nil }
  }

  /// The log of errors and warnings.
  let errors: ErrorLog
  /// The writer of the access log, if it is enabled.
  let access: LineWriter?
  private let errorWriter: LineWriter
  private let settings: Settings

  /// - Throws: ``CannotOpen`` if the file cannot be opened.
  init(_ settings: Settings) throws(CannotOpen) {
    self.settings = settings
    errorWriter = settings.errors == .text ? .standardError : LineWriter(descriptor: STDERR_FILENO, format: .json)
    errors = ErrorLog(to: errorWriter)
    guard let format = settings.access else {
      access = nil
      return
    }
    guard let path = settings.accessFile else {
      access = LineWriter(descriptor: STDOUT_FILENO, format: format, capacity: Self.capacity, delay: Self.delay)
      return
    }
    do throws(IOError) {
      access = try LineWriter(appendingTo: path, format: format, capacity: Self.capacity, delay: Self.delay)
    } catch {
      throw CannotOpen(path: path, error: error)
    }
  }

  /// Room for some five thousand lines, which may arrive within the delay of a tenth of a second.
  private static let capacity = 1024 * 1024
  private static let delay = Duration.milliseconds(100)

  /// Prints `line` on standard output, as a log event if the other lines there are JSON.
  func printLine(_ line: String) {
    if let access, settings.accessIsJSONOnOutput {
      ErrorLog(to: access).write(LogEvent(.info, line))
      access.flush(within: .seconds(1))
    } else {
      print(line)
      // Flushed so that it appears at once even on a pipe.
      fflush(nil)
    }
  }

  /// Reopens the log files, for instance after they have been renamed.
  func reopen() {
    do throws(IOError) {
      try access?.reopen()
    } catch {
      errors.write(LogEvent(.error, "the access log cannot be reopened: \(error)"))
    }
  }

  /// Waits until all lines have been written, but at most for `limit`.
  func flush(within limit: Duration) {
    access?.flush(within: limit)
    errorWriter.flush(within: limit)
  }
}

struct CannotOpen: Error, CustomStringConvertible {
  let path: String
  let error: IOError

  var description: String { "cannot append to \(path.debugDescription): \(error)" }
}

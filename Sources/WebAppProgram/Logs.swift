import Glibc
import Runtime

/// Where the program's lines go.
struct Logs {
  /// What the command line and the environment say of it.
  struct Settings: Equatable {
    /// How the line of a request is written; `nil` for no such lines.
    var access: LogFormat?
    /// The file that has those lines; `nil` for standard output.
    var accessFile: String?
    var errors = LogFormat.text

    /// Whether standard output has the lines of requests, in JSON, so that each line there has to be JSON.
    var accessIsJSONOnOutput: Bool { access == .json && accessFile == nil }
  }

  /// What goes wrong.
  let errors: ErrorLog
  /// What has the line of each request, if anything does.
  let access: LineWriter?
  private let errorWriter: LineWriter
  private let settings: Settings

  /// - Throws: ``CannotOpen`` if there is no opening the file.
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

  /// Some five thousand lines, as may come in the tenth of a second for which they wait for each other.
  private static let capacity = 1024 * 1024
  private static let delay = Duration.milliseconds(100)

  /// Says `line` on standard output. There it is an event like others if the rest is JSON.
  func say(_ line: String) {
    if let access, settings.accessIsJSONOnOutput {
      ErrorLog(to: access).write(LogEvent(.info, line))
      access.flush(within: .seconds(1))
    } else {
      print(line)
      // There at once even if that is a pipe.
      fflush(nil)
    }
  }

  /// Goes on in new files if the old ones have been moved.
  func reopen() {
    do throws(IOError) {
      try access?.reopen()
    } catch {
      errors.write(LogEvent(.error, "the access log stays where it was: \(error)"))
    }
  }

  /// Waits until all lines have been written, but no longer than `limit`.
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

import Glibc
import RuntimeSelection

/// The service's settings, from environment variables.
///
/// | variable | value | default |
/// |---|---|---|
/// | `PORT` | where to listen on 127.0.0.1; 0 lets the system choose | 7878 |
/// | `FILES` | the directory of the files, created if it is missing | `files` |
/// | `FILE_LIMIT` | the longest file in bytes | 134217728, which are 128 MiB |
/// | `KEYS` | the callers that may write, with their keys: `anna:s3cret,ben:hunter2` | none |
struct Settings {
  var port: UInt16 = 7878
  var directory = "files"
  var longestFile = 128 * 1024 * 1024
  /// The names of the callers that may write, by key.
  var callers: [String: String] = [:]

  /// The settings in the variables that `variable` looks up by name.
  init(variable: (_ name: String) -> String? = environmentVariable) throws(InvalidSetting) {
    if let text = variable("PORT") { port = UInt16(try Self.port.value(text, of: "PORT")) }
    if let text = variable("FILES") { directory = text }
    if let text = variable("FILE_LIMIT") { longestFile = try Self.length.value(text, of: "FILE_LIMIT") }
    if let text = variable("KEYS") { callers = try Self.callers(text) }
  }

  private static let port = SettingFormat.wholeNumber(in: 0...65_535)
  private static let length = SettingFormat.wholeNumber(in: 1...(1 << 40))

  private static func callers(_ text: String) throws(InvalidSetting) -> [String: String] {
    var callers: [String: String] = [:]
    for pair in text.split(separator: ",") {
      let parts = pair.split(separator: ":").map(String.init)
      guard parts.count == 2, callers.updateValue(parts[0], forKey: parts[1]) == nil else {
        // The message goes into a log, which must not contain keys.
        throw InvalidSetting("KEYS", value: "...", choices: "a list of names and keys: anna:s3cret,ben:hunter2")
      }
    }
    return callers
  }
}

/// The value of a variable in the process's environment; `nil` if it is not set, or empty.
private func environmentVariable(_ name: String) -> String? {
  guard let value = getenv(name), value.pointee != 0 else { return nil }
  return String(cString: value)
}

/// How the lines of a log are written.
public struct LogFormat: Hashable, Sendable {
  private enum Kind { case text, json }

  private let kind: Kind

  private init(_ kind: Kind) { self.kind = kind }

  /// Text to be read by people.
  public static let text = LogFormat(.text)
  /// A JSON object on each line, to be read by programs.
  public static let json = LogFormat(.json)
}

/// The format of log lines.
public struct LogFormat: Hashable, Sendable {
  private enum Kind { case text, json }

  private let kind: Kind

  private init(_ kind: Kind) { self.kind = kind }

  /// Text, for people.
  public static let text = LogFormat(.text)
  /// One JSON object per line, for programs.
  public static let json = LogFormat(.json)
}

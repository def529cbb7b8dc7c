/// A field that would not be one on the wire (RFC 9110 section 5).
public struct InvalidHeaderField: Error, Hashable, Sendable, CustomStringConvertible {
  /// The name that was given.
  public let name: String
  /// The value that was given.
  public let value: String

  /// For a person to read; what is wrong is shown escaped.
  public var description: String { "not a header field: \(name.debugDescription): \(value.debugDescription)" }
}

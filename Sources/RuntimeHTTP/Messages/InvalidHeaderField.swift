/// The error for a name and a value that do not form a valid header field (RFC 9110 section 5).
public struct InvalidHeaderField: Error, Hashable, Sendable, CustomStringConvertible {
  /// The name.
  public let name: String
  /// The value.
  public let value: String

  /// The name and the value, with invalid characters escaped.
  public var description: String { "not a header field: \(name.debugDescription): \(value.debugDescription)" }
}

/// The cause of an ``IOError`` of the operation `resolve` if the resolver knows no address for a host name.
public struct UnresolvedName: Error, Hashable, Sendable {
  /// The host name.
  public let name: String
  /// The resolver's message, such as "Name or service not known".
  public let answer: String

  /// Creates the error of a failed lookup of `name`.
  public init(_ name: String, answer: String) {
    self.name = name
    self.answer = answer
  }
}

extension UnresolvedName: CustomStringConvertible {
  /// The name and the message: `"db.example": Name or service not known`.
  public var description: String { "\(name.debugDescription): \(answer)" }
}

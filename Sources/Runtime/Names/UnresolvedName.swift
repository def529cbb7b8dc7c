/// A host's name has no address, as far as the resolver knows. It is the cause of an ``IOError`` of the operation `resolve`.
public struct UnresolvedName: Error, Hashable, Sendable {
  /// The name.
  public let name: String
  /// What the resolver answered, for a person to read: "Name or service not known".
  public let answer: String

  /// The resolver answered `answer` when it was asked for `name`.
  public init(_ name: String, answer: String) {
    self.name = name
    self.answer = answer
  }
}

extension UnresolvedName: CustomStringConvertible {
  /// For a person to read, as in `"db.example": Name or service not known`.
  public var description: String { "\(name.debugDescription): \(answer)" }
}

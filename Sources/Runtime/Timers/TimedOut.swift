/// The error of an operation that was cancelled because its time was over: see ``withDeadline(_:on:name:_:)``.
public struct TimedOut: Error, Hashable, Sendable {
  /// The name that the call was given whose time was over. It tells nested timeouts apart.
  public let name: String?

  /// An error of the timeout called `name`.
  public init(name: String? = nil) {
    self.name = name
  }
}

extension TimedOut: CustomStringConvertible {
  /// For a person to read, as in "read head: timed out".
  public var description: String { name.map { "\($0): timed out" } ?? "timed out" }
}

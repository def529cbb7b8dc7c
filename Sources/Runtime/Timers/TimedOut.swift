/// The error of an operation that was cancelled because its time was over. See ``withDeadline(_:on:name:_:)``.
public struct TimedOut: Error, Hashable, Sendable {
  /// The name given to the call that timed out. It distinguishes nested timeouts.
  public let name: String?

  /// Creates the error of the timeout called `name`.
  public init(name: String? = nil) {
    self.name = name
  }
}

extension TimedOut: CustomStringConvertible {
  /// A description such as "read head: timed out".
  public var description: String { name.map { "\($0): timed out" } ?? "timed out" }
}

/// None of a host's addresses could be connected to. It is the cause of an ``IOError`` of the operation `connect`, whose
/// reason is that of the last attempt.
public struct UnreachableHost: Error, Hashable, Sendable {
  /// The host's name.
  public let name: String
  /// The addresses that were tried, and why each attempt failed, in the order in which they did.
  public let attempts: [Attempt]

  /// An attempt to connect.
  public struct Attempt: Hashable, Sendable {
    /// Where to.
    public let address: SocketAddress
    /// Why it failed.
    public let error: IOError
  }
}

extension UnreachableHost: CustomStringConvertible {
  /// For a person to read: the name, and each address with what went wrong there.
  public var description: String {
    let attempts = attempts.map { "\($0.address): \($0.error.reason)" }
    return "\(name.debugDescription) at " + attempts.joined(separator: ", at ")
  }
}

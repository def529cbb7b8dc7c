/// The cause of an ``IOError`` of the operation `connect` if none of a host's addresses could be connected to. The
/// error's reason is that of the last attempt.
public struct UnreachableHost: Error, Hashable, Sendable {
  /// The host name.
  public let name: String
  /// The failed attempts, in the order in which they failed.
  public let attempts: [Attempt]

  /// A failed attempt to connect.
  public struct Attempt: Hashable, Sendable {
    /// The address.
    public let address: SocketAddress
    /// The error of the attempt.
    public let error: IOError
  }
}

extension UnreachableHost: CustomStringConvertible {
  /// The name, and each address with its error.
  public var description: String {
    let attempts = attempts.map { "\($0.address): \($0.error.reason)" }
    return "\(name.debugDescription) at " + attempts.joined(separator: ", at ")
  }
}

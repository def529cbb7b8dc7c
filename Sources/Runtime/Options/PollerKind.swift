/// A mechanism to wait for sockets.
public struct PollerKind: Hashable, Sendable {
  private enum Kind: String, CaseIterable { case epoll, poll }

  private let kind: Kind

  private init(_ kind: Kind) { self.kind = kind }

  /// Linux's epoll, edge-triggered. Its cost does not depend on the number of sockets.
  public static let epoll = PollerKind(.epoll)
  /// POSIX poll(2): portable, at a cost that grows with the number of sockets.
  public static let poll = PollerKind(.poll)

  /// The best mechanism on this system.
  public static var best: PollerKind {
    #if os(Linux)
      .epoll
    #else
      .poll
    #endif
  }
}

extension PollerKind: RawRepresentable, CaseIterable, Codable, CustomStringConvertible {
  /// Creates the kind named `rawValue`: `epoll` or `poll`.
  public init?(rawValue: String) {
    guard let kind = Kind(rawValue: rawValue) else { return nil }
    self.init(kind)
  }

  /// The name.
  public var rawValue: String { kind.rawValue }
  /// The name.
  public var description: String { rawValue }

  public static var allCases: [PollerKind] { Kind.allCases.map { PollerKind($0) } }
}

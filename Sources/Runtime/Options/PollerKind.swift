/// A way to wait for sockets.
public struct PollerKind: Hashable, Sendable {
  private enum Kind: String, CaseIterable { case epoll, poll }

  private let kind: Kind

  private init(_ kind: Kind) { self.kind = kind }

  /// Linux's epoll: each edge is reported once, whatever the number of sockets.
  public static let epoll = PollerKind(.epoll)
  /// POSIX poll(2): anywhere, at a cost that grows with the number of sockets.
  public static let poll = PollerKind(.poll)

  /// The best that this system has.
  public static var best: PollerKind {
    #if os(Linux)
      .epoll
    #else
      .poll
    #endif
  }
}

extension PollerKind: RawRepresentable, CaseIterable, Codable, CustomStringConvertible {
  /// The poller called `rawValue`: `epoll` or `poll`.
  public init?(rawValue: String) {
    guard let kind = Kind(rawValue: rawValue) else { return nil }
    self.init(kind)
  }

  /// Its name.
  public var rawValue: String { kind.rawValue }
  /// Its name.
  public var description: String { rawValue }

  public static var allCases: [PollerKind] { Kind.allCases.map { PollerKind($0) } }
}

/// A runtime that there is to choose from.
public struct RuntimeKind: Hashable, Sendable {
  enum Kind: String, CaseIterable { case concurrency, dispatch, custom }

  let kind: Kind

  private init(_ kind: Kind) { self.kind = kind }

  /// Swift's own thread pool.
  public static let concurrency = RuntimeKind(.concurrency)
  /// A concurrent queue of Dispatch.
  public static let dispatch = RuntimeKind(.dispatch)
  /// Gearbox's own worker threads.
  public static let custom = RuntimeKind(.custom)

  /// What is used where nothing is chosen.
  public static let standard = RuntimeKind.custom

  /// What it is, in a few words for a person who has to choose.
  public var summary: String {
    switch kind {
    case .concurrency: "Swift's own thread pool, one poller thread beside it"
    case .dispatch: "A concurrent Dispatch queue"
    case .custom: "Worker threads with run queues, stealing and a poller each"
    }
  }
}

extension RuntimeKind: RawRepresentable, CaseIterable, CustomStringConvertible {
  /// The runtime that `RUNTIME` calls `rawValue`.
  public init?(rawValue: String) {
    guard let kind = Kind(rawValue: rawValue) else { return nil }
    self.init(kind)
  }

  /// The name that `RUNTIME` knows.
  public var rawValue: String { kind.rawValue }
  /// The same name.
  public var description: String { rawValue }

  public static var allCases: [RuntimeKind] { Kind.allCases.map { RuntimeKind($0) } }
}

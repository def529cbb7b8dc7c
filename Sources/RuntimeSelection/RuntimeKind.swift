/// A runtime that a program can select.
public struct RuntimeKind: Hashable, Sendable {
  enum Kind: String, CaseIterable { case concurrency, dispatch, custom }

  let kind: Kind

  private init(_ kind: Kind) { self.kind = kind }

  /// `RuntimeConcurrency`: Swift's own thread pool.
  public static let concurrency = RuntimeKind(.concurrency)
  /// `RuntimeDispatch`: a concurrent queue of Dispatch.
  public static let dispatch = RuntimeKind(.dispatch)
  /// `RuntimeCustom`: Gearbox's own worker threads.
  public static let custom = RuntimeKind(.custom)

  /// The default, `custom`.
  public static let standard = RuntimeKind.custom

  /// A short description, for a list of choices.
  public var summary: String {
    switch kind {
    case .concurrency: "Swift's own thread pool, one poller thread beside it"
    case .dispatch: "A concurrent Dispatch queue"
    case .custom: "Worker threads with run queues, stealing and a poller each"
    }
  }
}

extension RuntimeKind: RawRepresentable, CaseIterable, CustomStringConvertible {
  /// Creates the kind with this name, as in `RUNTIME`.
  public init?(rawValue: String) {
    guard let kind = Kind(rawValue: rawValue) else { return nil }
    self.init(kind)
  }

  /// The name, as in `RUNTIME`.
  public var rawValue: String { kind.rawValue }
  /// The name.
  public var description: String { rawValue }

  public static var allCases: [RuntimeKind] { Kind.allCases.map { RuntimeKind($0) } }
}

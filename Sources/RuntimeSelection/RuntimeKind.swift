/// The runtimes there are to choose from. The raw value is the name that `RUNTIME` knows.
public enum RuntimeKind: String, Hashable, Sendable, CaseIterable {
  /// Swift's own thread pool.
  case concurrency
  /// A concurrent queue of Dispatch.
  case dispatch
  /// Gearbox's own worker threads.
  case custom

  /// What is used where nothing is chosen.
  public static let standard = RuntimeKind.custom

  /// What it is, in a few words for a person who has to choose.
  public var summary: String {
    switch self {
    case .concurrency: "Swift's own thread pool, one poller thread beside it"
    case .dispatch: "A concurrent Dispatch queue"
    case .custom: "Worker threads with run queues, stealing and a poller each"
    }
  }

  /// The names to choose from, as in "one of a, b, c".
  package static var choices: String { "one of " + allCases.map(\.rawValue).joined(separator: ", ") }
}

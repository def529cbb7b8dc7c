import RuntimePrimitives

/// The lanes of the relief workers that there have been, so that a runtime can tell what these do.
final class ReliefLanes: Sendable {
  private let lanes = Lock<[Lane]>([])

  func add(_ lane: Lane) { lanes.withLock { $0.append(lane) } }

  var all: [Lane] { lanes.withLock(\.self) }
}

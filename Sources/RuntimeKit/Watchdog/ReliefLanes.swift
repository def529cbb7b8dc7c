import RuntimePrimitives

/// The lanes of the relief workers that there have been, for those who ask what these do.
final class ReliefLanes: Sendable {
  private let lanes = Lock<[Lane]>([])

  func add(_ lane: Lane) { lanes.withLock { $0.append(lane) } }

  var all: [Lane] { lanes.withLock(\.self) }
}

import RuntimePrimitives

/// The lanes of all relief workers so far, for a runtime's activities.
final class ReliefLanes: Sendable {
  private let lanes = Lock<[Lane]>([])

  func add(_ lane: Lane) { lanes.withLock { $0.append(lane) } }

  var all: [Lane] { lanes.withLock(\.self) }
}

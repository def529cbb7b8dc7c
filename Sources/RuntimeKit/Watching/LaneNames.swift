import RuntimePrimitives

/// The names of the process's lanes by their numbers, which are from 1 on and never used again.
enum LaneNames {
  private struct State {
    var last: UInt32 = 0
    var names: [UInt32: String] = [:]
  }

  private static let state = Lock(State())

  /// Gives a lane called `name` a number.
  static func add(_ name: String) -> UInt32 {
    state.withLock { state in
      state.last += 1
      state.names[state.last] = name
      return state.last
    }
  }

  static func remove(_ number: UInt32) { state.withLock { _ = $0.names.removeValue(forKey: number) } }

  /// The name of the lane; `nil` if there is none with that number.
  static func name(of number: UInt32) -> String? { state.withLock { $0.names[number] } }
}

import RuntimePrimitives

/// The names of the process's lanes by number. Numbers begin with 1 and are never reused.
enum LaneNames {
  private struct State {
    var last: UInt32 = 0
    var names: [UInt32: String] = [:]
  }

  private static let state = Lock(State())

  /// Assigns a number to a lane called `name`.
  static func add(_ name: String) -> UInt32 {
    state.withLock { state in
      state.last += 1
      state.names[state.last] = name
      return state.last
    }
  }

  static func remove(_ number: UInt32) { state.withLock { _ = $0.names.removeValue(forKey: number) } }

  /// Returns the name of the lane with that number; `nil` if there is none.
  static func name(of number: UInt32) -> String? { state.withLock { $0.names[number] } }
}

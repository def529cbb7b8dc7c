import Runtime
import RuntimeKit
import RuntimePrimitives

/// Has the tasks of the process watched while there are lookers: streams of snapshots.
final class TaskWatching: Sendable {
  private struct State {
    var lookers: Int
    var watch: TaskWatch?
  }

  private let state: Lock<State>

  /// - Parameter isKept: whether they are watched from now on, with lookers or without.
  init(isKept: Bool) {
    state = Lock(State(lookers: isKept ? 1 : 0, watch: isKept ? TaskWatch() : nil))
  }

  /// Counts one looker more.
  func begin() {
    state.withLock { state in
      state.lookers += 1
      if state.watch == nil { state.watch = TaskWatch() }
    }
  }

  /// Counts one looker less.
  func end() {
    state.withLock { state in
      state.lookers -= 1
      if state.lookers == 0 { state.watch = nil }
    }
  }

  /// The tasks that are known; `nil` while they are not watched.
  var tasks: [TaskSnapshot]? { state.withLock(\.watch)?.tasks }
}

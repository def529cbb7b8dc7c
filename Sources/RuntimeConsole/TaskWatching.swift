import Runtime
import RuntimeKit
import RuntimePrimitives

/// Watches the tasks of the process while there are viewers: streams of snapshots.
final class TaskWatching: Sendable {
  private struct State {
    var viewers: Int
    var watch: TaskWatch?
  }

  private let state: Lock<State>

  /// Creates an instance.
  ///
  /// - Parameter isKept: whether tasks are watched regardless of viewers.
  init(isKept: Bool) {
    state = Lock(State(viewers: isKept ? 1 : 0, watch: isKept ? TaskWatch() : nil))
  }

  /// Adds a viewer.
  func addViewer() {
    state.withLock { state in
      state.viewers += 1
      if state.watch == nil { state.watch = TaskWatch() }
    }
  }

  /// Removes a viewer.
  func removeViewer() {
    state.withLock { state in
      state.viewers -= 1
      if state.viewers == 0 { state.watch = nil }
    }
  }

  /// The watched tasks; `nil` while tasks are not watched.
  var tasks: [TaskSnapshot]? { state.withLock(\.watch)?.tasks }
}

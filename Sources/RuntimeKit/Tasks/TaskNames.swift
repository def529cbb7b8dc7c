import CRuntime
import Runtime
import RuntimePrimitives

/// The names of running tasks, for reports of stalls. Swift reveals a task's name only to the task itself, while it
/// runs.
enum TaskNames {
  /// The names by task address.
  private static let names = Lock<[UInt: String]>([:])

  /// Records the name of the current task until ``removeCurrent()``.
  static func recordCurrent() {
    guard let name = Task.name else { return }
    let task = gearbox_current_task()
    names.withLock { $0[task] = name }
  }

  /// Removes the name of the current task. A task calls this before it ends, because its address may then be reused.
  static func removeCurrent() {
    let task = gearbox_current_task()
    _ = names.withLock { $0.removeValue(forKey: task) }
  }

  /// Returns the name of the task at address `task`, if it has one and was started on a runtime.
  static func name(of task: UInt) -> String? { names.withLock { $0[task] } }
}

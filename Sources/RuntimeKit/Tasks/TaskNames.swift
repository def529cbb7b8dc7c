import CRuntime
import Runtime
import RuntimePrimitives

/// The names of the tasks that have one and have not ended, for reports of stalls. Swift tells a task's name only to the
/// task itself, while it runs.
enum TaskNames {
  /// By the address of the task.
  private static let names = Lock<[UInt: String]>([:])

  /// Keeps the name of the current task until ``forget()``.
  static func keep() {
    guard let name = Task.name else { return }
    let task = gearbox_current_task()
    names.withLock { $0[task] = name }
  }

  /// Forgets the name of the current task. A task does this before it ends, because its address is then another's.
  static func forget() {
    let task = gearbox_current_task()
    _ = names.withLock { $0.removeValue(forKey: task) }
  }

  /// The name of the task at address `task`, if it has one and was started on a runtime.
  static func name(of task: UInt) -> String? { names.withLock { $0[task] } }
}

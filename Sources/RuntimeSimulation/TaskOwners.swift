import CSimulation

/// A table of the incarnations of hosts to which the tasks of a run belong.
///
/// A task that is started on a host belongs to that host. Any other task (a child task, `Task { }` or `Task.detached`)
/// belongs to the owner of the task that created it.
final class TaskOwners {
  private var owners: [UInt64: Incarnation] = [:]
  /// The owner of the body's task, and of the tasks that it creates itself.
  private let test = Incarnation()
  /// The owner of tasks that are created now; `nil` for the owner of the current task.
  private var ownerOfNewTasks: Incarnation?
  /// Whether any incarnation has died. Before that, there is no need to look for dead tasks.
  private(set) var hasDead = false

  /// The owner of the current task.
  var current: Incarnation { owners[gearbox_number_of_current_task()] ?? test }

  /// Whether the current task's host has crashed since the task was created.
  var isCurrentDead: Bool { hasDead && current.isDead }

  /// Returns whether the host of the task with Swift's number `id` has crashed since the task was created.
  func isDead(_ id: UInt64) -> Bool { hasDead && owners[id]?.isDead == true }

  /// Records the owner of the task of `job`, if the task is new.
  func recordOwner(of job: UnownedJob) {
    let id = gearbox_task_of_job(unsafeBitCast(job, to: UnsafeMutableRawPointer.self))
    if id != 0, owners[id] == nil { owners[id] = ownerOfNewTasks ?? current }
  }

  /// Returns the owner of a task that the current task creates on `host`. A dead task creates dead tasks only.
  func ownerOfNewTask(on host: SimulatedHost) -> Incarnation { isCurrentDead ? current : host.incarnation }

  /// Makes `owner` the owner of tasks created before ``endCreatingTasks()``.
  func beginCreatingTasks(for owner: Incarnation) { ownerOfNewTasks = owner }

  func endCreatingTasks() { ownerOfNewTasks = nil }

  func markDead(_ incarnation: Incarnation) {
    hasDead = true
    incarnation.markDead()
  }
}

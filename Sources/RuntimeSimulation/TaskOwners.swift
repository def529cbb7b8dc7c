import CSimulation

/// Which incarnation of which host each task of a run belongs to.
///
/// A task that is started on a host belongs to that. Every other task belongs where the task belongs that has made it: child
/// tasks, `Task { }` and `Task.detached`.
final class TaskOwners {
  private var owners: [UInt64: Incarnation] = [:]
  /// The owner of the body's task, and of those that it has made itself.
  private let test = Incarnation()
  /// Whose the tasks are that are made now; `nil` for the current task's owner.
  private var maker: Incarnation?
  /// Whether any incarnation has died. Until then there is no need to look for dead tasks.
  private(set) var hasDead = false

  /// Whose the current task is.
  var current: Incarnation { owners[gearbox_number_of_current_task()] ?? test }

  /// Whether the current task's host has crashed since the task was made.
  var isCurrentDead: Bool { hasDead && current.isDead }

  /// Whether the host of the task with Swift's number `id` has crashed since the task was made.
  func isDead(_ id: UInt64) -> Bool { hasDead && owners[id]?.isDead == true }

  /// Notes whose the task of `job` is, if the task is new.
  func claim(_ job: UnownedJob) {
    let id = gearbox_task_of_job(unsafeBitCast(job, to: UnsafeMutableRawPointer.self))
    if id != 0, owners[id] == nil { owners[id] = maker ?? current }
  }

  /// Whose a task is that the current task makes on `host`: a dead one makes no more living ones.
  func maker(on host: SimulatedHost) -> Incarnation { isCurrentDead ? current : host.incarnation }

  /// Has the tasks that are made before ``endMaking()`` be those of `owner`.
  func beginMaking(for owner: Incarnation) { maker = owner }

  func endMaking() { maker = nil }

  func bury(_ incarnation: Incarnation) {
    hasDead = true
    incarnation.die()
  }
}

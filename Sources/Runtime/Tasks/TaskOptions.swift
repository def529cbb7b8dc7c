/// What to start a task with.
@frozen
public struct TaskOptions: Equatable, Sendable {
  /// The task's name, for people (SE-0469): the task reads it as `Task.name`, and reports of stalls show it.
  public var name: String?
  /// The task's priority, as in `Task.detached`. ``AsyncRuntime`` says what a runtime makes of it.
  public var priority: TaskPriority?
  /// Where in the program the task is started, for people who watch its tasks.
  public var location: CallSite?
  /// Whether the task begins with the task-local values of the one that starts it, as one of `Task { }` does. Otherwise it
  /// has none, as in `Task.detached`.
  public var inheritsTaskLocals: Bool

  /// Options with these values.
  @inlinable
  public init(
    name: String? = nil, priority: TaskPriority? = nil, location: CallSite? = nil, inheritsTaskLocals: Bool = false
  ) {
    self.name = name
    self.priority = priority
    self.location = location
    self.inheritsTaskLocals = inheritsTaskLocals
  }

  /// The priority of a task that takes on nothing of the one that starts it, as in `Task.detached`; `Task { }` would take
  /// on that too.
  @inlinable
  public var ownPriority: TaskPriority { priority ?? .medium }
}

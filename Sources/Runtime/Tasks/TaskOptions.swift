/// Options for starting a task.
@frozen
public struct TaskOptions: Equatable, Sendable {
  /// The task's name (SE-0469). The task reads it as `Task.name`, and reports of stalls show it.
  public var name: String?
  /// The task's priority, as in `Task.detached`. See ``AsyncRuntime`` for how a runtime uses it.
  public var priority: TaskPriority?
  /// The source location where the task is started, for tools that show tasks.
  public var location: CallSite?
  /// Whether the task inherits the task-local values of the task that starts it, as in `Task { }`. Otherwise it has
  /// none, as in `Task.detached`.
  public var inheritsTaskLocals: Bool

  /// Creates options with these values.
  @inlinable
  public init(
    name: String? = nil, priority: TaskPriority? = nil, location: CallSite? = nil, inheritsTaskLocals: Bool = false
  ) {
    self.name = name
    self.priority = priority
    self.location = location
    self.inheritsTaskLocals = inheritsTaskLocals
  }

  /// The priority for `Task { }`, which would otherwise inherit that of the task that starts it: the given priority, or
  /// `medium`.
  @inlinable
  public var ownPriority: TaskPriority { priority ?? .medium }
}

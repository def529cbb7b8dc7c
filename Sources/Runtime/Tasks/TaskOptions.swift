/// What to start a task with.
@frozen
public struct TaskOptions: Equatable, Sendable {
  /// The task's name, for people (SE-0469): the task reads it as `Task.name`, and reports of stalls show it.
  public var name: String?
  /// The task's priority, as in `Task.detached`. ``AsyncRuntime`` says what a runtime makes of it.
  public var priority: TaskPriority?
  /// Where in the program the task is started, for people who watch its tasks.
  public var location: CallSite?

  /// Options with these values.
  @inlinable
  public init(name: String? = nil, priority: TaskPriority? = nil, location: CallSite? = nil) {
    self.name = name
    self.priority = priority
    self.location = location
  }
}

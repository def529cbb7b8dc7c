/// The state of a runtime's task at one moment.
public struct TaskSnapshot: Hashable, Sendable, Identifiable {
  /// What a task is doing.
  public enum State: Hashable, Sendable {
    /// A thread runs the task: the worker with that name, if known.
    case running(worker: String?)
    /// The task waits for a thread.
    case ready
    /// The task waits for an operation of the runtime.
    case waiting(TaskWait)
    /// The task waits for something unknown to the runtime: another task, a lock, a continuation.
    case suspended
  }

  /// The task's number, unique among all watched tasks of the process.
  public var id: UInt64
  /// The task's name (``TaskOptions/name``).
  public var name: String?
  /// Where the task was started, such as `RuntimeHTTP/Server.swift:330`, if given (``TaskOptions/location``).
  public var location: String?
  /// The activity that the task reports, if any. A task that handles a request reports the method and the route, such
  /// as `GET /users/:id`.
  public var activity: String?
  /// What the task is doing.
  public var state: State
  /// How long the task has been in this state.
  public var stateAge: Duration
  /// The time since the task was started.
  public var age: Duration
  /// How long threads have run the task, including the current job.
  public var busyTime: Duration
  /// The duration of the longest job.
  public var longestJob: Duration
  /// The number of jobs so far: one each time that the task was resumed.
  public var jobs: Int
  /// The number of times that the task was made ready.
  public var wakes: Int

  /// Creates a snapshot of a task that has just been started.
  public init(id: UInt64, name: String? = nil, location: String? = nil, state: State = .ready) {
    self.id = id
    self.name = name
    self.location = location
    self.state = state
    (stateAge, age, busyTime, longestJob) = (.zero, .zero, .zero, .zero)
    (jobs, wakes) = (0, 0)
  }
}

extension TaskSnapshot.State: CustomStringConvertible {
  /// A description: "running on worker 1", "ready", "reads from 127.0.0.1:51244", "suspended".
  public var description: String {
    switch self {
    case .running(let worker): worker.map { "running on \($0)" } ?? "running"
    case .ready: "ready"
    case .waiting(let wait): "\(wait)"
    case .suspended: "suspended"
    }
  }
}

/// A task of a runtime as it was at one moment.
public struct TaskSnapshot: Hashable, Sendable, Identifiable {
  /// What a task is doing.
  public enum State: Hashable, Sendable {
    /// A thread runs it: the worker of that name, where that is known.
    case running(worker: String?)
    /// It waits for a thread to run it.
    case ready
    /// It waits for something that the runtime gives.
    case waiting(TaskWait)
    /// It waits for something that the runtime does not know of: another task, a lock, a continuation.
    case suspended
  }

  /// The task's number, which no other task that was watched in this process has.
  public var id: UInt64
  /// The name that it was started with: ``TaskOptions/name``.
  public var name: String?
  /// Where it was started, as in `RuntimeHTTP/Server.swift:330`, if its starter says so: ``TaskOptions/location``.
  public var location: String?
  /// What it says that it does, if it says anything. A task that answers a request names the method and the route:
  /// `GET /users/:id`.
  public var activity: String?
  /// What it is doing.
  public var state: State
  /// For how long it has been doing that.
  public var stateAge: Duration
  /// How long ago it was started.
  public var age: Duration
  /// For how long threads have run it, the present job included.
  public var busyTime: Duration
  /// The longest time that a thread has run it without a pause.
  public var longestJob: Duration
  /// How many jobs it has been: one each time that it went on.
  public var jobs: Int
  /// How often it was made ready to go on.
  public var wakes: Int

  /// A snapshot of a task that has just been started.
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
  /// For a person to read: "running on worker 1", "ready", "reads from 127.0.0.1:51244", "suspended".
  public var description: String {
    switch self {
    case .running(let worker): worker.map { "running on \($0)" } ?? "running"
    case .ready: "ready"
    case .waiting(let wait): "\(wait)"
    case .suspended: "suspended"
    }
  }
}

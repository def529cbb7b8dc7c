public import Runtime
public import RuntimeHTTP

/// The state of a process at one moment: its runtime, its servers, their requests and its tasks.
///
/// It is a plain value that a program can display itself. ``Console/snapshot`` returns it. Its parts are collected one
/// after another while the process runs, so they may differ slightly from each other.
public struct Snapshot: Sendable {
  /// The state of a runtime.
  public struct RuntimeFigures: Sendable {
    /// The runtime's name.
    public var name: String
    /// The number of threads that run tasks.
    public var workerCount: Int
    /// The runtime's metrics.
    public var metrics: RuntimeMetrics
    /// What each worker is doing, followed by the active relief workers; empty if the threads belong to a pool that
    /// offers no such information.
    public var activities: [WorkerActivity]

    /// Creates the state with these values.
    public init(name: String, workerCount: Int, metrics: RuntimeMetrics, activities: [WorkerActivity]) {
      self.name = name
      self.workerCount = workerCount
      self.metrics = metrics
      self.activities = activities
    }
  }

  /// The state of a server.
  public struct ServerFigures: Sendable {
    /// The address that the server listens on, such as `127.0.0.1:8080`.
    public var address: String
    /// The server's metrics.
    public var metrics: ServerMetrics

    /// Creates the state with these values.
    public init(address: String, metrics: ServerMetrics) {
      self.address = address
      self.metrics = metrics
    }
  }

  /// When the snapshot was taken, as the time since 1970 in UTC.
  public var time: Duration
  /// How long the process has been running or, if that is unknown, how long the console has existed.
  public var uptime: Duration
  /// The state of the runtime.
  public var runtime: RuntimeFigures
  /// The states of the shown servers.
  public var servers: [ServerFigures]
  /// The requests so far, by route, method and outcome.
  public var requests: [RequestFigures]
  /// The resource usage of the process.
  public var process: ProcessFigures
  /// The watched tasks, in the order in which they were started; `nil` if tasks are not watched.
  public var tasks: [TaskSnapshot]?
  /// The last stalls, oldest first.
  public var stalls: [StallLog.Entry]

  /// Creates a snapshot with these values, for example to test a view.
  public init(
    time: Duration, uptime: Duration, runtime: RuntimeFigures, servers: [ServerFigures] = [],
    requests: [RequestFigures] = [], process: ProcessFigures = ProcessFigures(), tasks: [TaskSnapshot]? = nil,
    stalls: [StallLog.Entry] = []
  ) {
    self.time = time
    self.uptime = uptime
    self.runtime = runtime
    self.servers = servers
    self.requests = requests
    self.process = process
    self.tasks = tasks
    self.stalls = stalls
  }
}

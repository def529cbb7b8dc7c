public import Runtime
public import RuntimeHTTP

/// What a process is doing at one moment: its runtime, its servers, their requests, its tasks.
///
/// It is a plain value, for views of your own. A ``Console`` takes it: ``Console/snapshot``. Its figures are taken one after
/// the other while everything goes on, so that they need not fit each other to the last request.
public struct Snapshot: Sendable {
  /// A runtime.
  public struct RuntimeFigures: Sendable {
    /// Its name.
    public var name: String
    /// How many threads run its tasks.
    public var workerCount: Int
    /// What it counts.
    public var metrics: RuntimeMetrics
    /// What each worker is doing, and after them the relief workers at work; empty where the threads are those of a pool that cannot be asked.
    public var activities: [WorkerActivity]

    /// These figures.
    public init(name: String, workerCount: Int, metrics: RuntimeMetrics, activities: [WorkerActivity]) {
      self.name = name
      self.workerCount = workerCount
      self.metrics = metrics
      self.activities = activities
    }
  }

  /// A server.
  public struct ServerFigures: Sendable {
    /// Where it listens: `127.0.0.1:8080`.
    public var address: String
    /// What it counts.
    public var metrics: ServerMetrics

    /// These figures.
    public init(address: String, metrics: ServerMetrics) {
      self.address = address
      self.metrics = metrics
    }
  }

  /// When it was taken, by the wall clock: the time since the beginning of 1970 in UTC.
  public var time: Duration
  /// How long the process has run, or where that is not known, how long there has been a console.
  public var uptime: Duration
  /// The runtime.
  public var runtime: RuntimeFigures
  /// The servers whose figures are shown.
  public var servers: [ServerFigures]
  /// The requests so far, by route, method and outcome.
  public var requests: [RequestFigures]
  /// What the process uses.
  public var process: ProcessFigures
  /// The tasks that are known, in the order in which they were started; `nil` where they are not watched.
  public var tasks: [TaskSnapshot]?
  /// The last stalls, the oldest first.
  public var stalls: [StallLog.Entry]

  /// A snapshot made of these figures, as for a test of a view.
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

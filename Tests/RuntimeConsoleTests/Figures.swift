import Runtime
import RuntimeConsole
import RuntimeHTTP

/// Text that breaks output without escaping.
let nastyText = "a\"b\\c\nd\r\u{0}\u{1b}\u{2028}</script>é😀"

/// A snapshot with values in all parts.
func makeSnapshot(
  tasks: [TaskSnapshot]? = nil, requests: [RequestFigures] = [], stalls: [StallLog.Entry] = []
) -> Snapshot {
  var metrics = RuntimeMetrics()
  metrics.tasks = 3
  metrics.queueDepths = [1, 2, 3]
  metrics.workers = [WorkerMetrics(), WorkerMetrics()]
  metrics.longestStall = .milliseconds(1250)
  var activity = WorkerActivity(name: "worker 0", isBusy: true, activity: nastyText, task: nil)
  activity.jobAge = .microseconds(1_200_000)
  var server = ServerMetrics()
  server.totalRequests = 7
  server.isOverloaded = true
  return Snapshot(
    time: .milliseconds(1_795_991_791_141), uptime: .seconds(2),
    runtime: .init(
      name: "custom", workerCount: 2, metrics: metrics, activities: [activity, WorkerActivity(name: "worker 1")]),
    servers: [.init(address: "127.0.0.1:80", metrics: server), .init(address: "unix:@\(nastyText)", metrics: server)],
    requests: requests, process: .current, tasks: tasks, stalls: stalls)
}

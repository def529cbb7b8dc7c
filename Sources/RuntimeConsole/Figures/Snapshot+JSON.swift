import Runtime
import RuntimeHTTP

extension Snapshot {
  /// The snapshot as JSON on one line. Times are in seconds.
  public var json: [UInt8] { json(maximumTasks: .max) }

  /// Returns the snapshot as JSON on one line.
  ///
  /// - Parameter maximumTasks: the maximum number of tasks to include: first running ones, then ready ones, then those
  ///   that have run longest. `taskCount` is the total number.
  func json(maximumTasks: Int) -> [UInt8] {
    var writer = JSONWriter()
    writer.object { json in
      json.member("time", time)
      json.member("uptime", uptime)
      json.object("runtime") { runtime.write(to: &$0) }
      json.array("servers", servers) { json, server in json.object { server.write(to: &$0) } }
      json.array("durationBounds", DurationHistogram.bounds) { $0.value($1) }
      json.array("requests", requests) { json, figures in json.object { figures.write(to: &$0) } }
      json.object("process") { process.write(to: &$0) }
      json.member("taskCount", tasks?.count)
      json.member("tasks") { json in
        if let tasks { json.array(Self.choose(maximumTasks, of: tasks)) { $0.write($1) } } else { json.null() }
      }
      json.array("stalls", stalls) { json, entry in json.object { entry.write(to: &$0) } }
    }
    return writer.bytes
  }

  private static func choose(_ count: Int, of tasks: [TaskSnapshot]) -> [TaskSnapshot] {
    guard tasks.count > count else { return tasks }
    func rank(_ task: TaskSnapshot) -> Int {
      switch task.state {
      case .running: 0
      case .ready: 1
      case .waiting, .suspended: 2
      }
    }
    return Array(tasks.sorted { (rank($0), $1.busyTime) < (rank($1), $0.busyTime) }.prefix(count))
  }
}

extension Snapshot.RuntimeFigures {
  fileprivate func write(to json: inout JSONWriter) {
    json.member("name", name)
    json.member("workerCount", workerCount)
    json.member("tasks", metrics.tasks)
    json.member("sleepingTasks", metrics.sleepingTasks)
    json.array("queueDepths", metrics.queueDepths) { $0.value($1) }
    json.array("workers", metrics.workers) { json, worker in
      json.object { json in
        json.member("jobs", worker.jobs)
        json.member("stolenJobs", worker.stolenJobs)
        json.member("parks", worker.parks)
        json.member("wakes", worker.wakes)
        json.member("busyTime", worker.busyTime)
      }
    }
    json.member("blockingThreads", metrics.blockingThreads)
    json.member("blockingQueueDepth", metrics.blockingQueueDepth)
    json.member("refusedBlockingCalls", metrics.refusedBlockingCalls)
    json.member("stalls", metrics.stalls)
    json.member("longestStall", metrics.longestStall)
    json.member("reliefWorkers", metrics.reliefWorkers)
    json.member("reliefs", metrics.reliefs)
    json.array("activities", activities) { json, activity in
      json.object { json in
        json.member("name", activity.name)
        json.member("isBusy", activity.isBusy)
        json.member("activity", activity.activity)
        json.member("task", activity.task)
        json.member("jobAge", activity.jobAge)
        json.member("busyTime", activity.busyTime)
      }
    }
  }
}

extension Snapshot.ServerFigures {
  fileprivate func write(to json: inout JSONWriter) {
    json.member("address", address)
    json.member("openConnections", metrics.openConnections)
    json.member("totalConnections", metrics.totalConnections)
    json.member("totalRequests", metrics.totalRequests)
    json.member("requestsInFlight", metrics.requestsInFlight)
    json.member("heldBytes", metrics.heldBytes)
    json.member("shedRequests", metrics.shedRequests)
    json.member("isOverloaded", metrics.isOverloaded)
  }
}

extension RequestFigures {
  fileprivate func write(to json: inout JSONWriter) {
    json.member("route", route)
    json.member("method", method)
    json.member("statusClass", statusClass)
    json.member("isRefused", isRefused)
    json.member("count", count)
    json.member("duration", durations.sum)
    json.array("durations", durations.counts) { $0.value($1) }
    json.member("receivedBytes", receivedBytes)
    json.member("sentBytes", sentBytes)
    json.member("goneClients", goneClients)
    json.member("timeouts", timeouts)
    json.member("failures", failures)
  }
}

extension ProcessFigures {
  fileprivate func write(to json: inout JSONWriter) {
    json.member("userTime", userTime)
    json.member("systemTime", systemTime)
    json.member("residentBytes", residentBytes)
    json.member("virtualBytes", virtualBytes)
    json.member("openDescriptors", openDescriptors)
    json.member("maximumDescriptors", maximumDescriptors)
    json.member("threads", threads)
    json.member("startTime", startTime)
  }
}

extension StallLog.Entry {
  fileprivate func write(to json: inout JSONWriter) {
    json.member("number", number)
    json.member("time", time)
    json.member("runtime", stall.runtime)
    json.member("worker", stall.worker)
    json.member("duration", stall.duration)
    json.member("isOver", stall.isOver)
    json.member("activity", stall.activity)
    json.member("task", stall.task)
  }
}

extension JSONWriter {
  fileprivate mutating func write(_ task: TaskSnapshot) {
    object { json in
      json.member("id", Int(clamping: task.id))
      json.member("name", task.name)
      json.member("location", task.location)
      json.member("activity", task.activity)
      let (kind, worker): (String, String?) =
        switch task.state {
        case .running(let worker): ("running", worker)
        case .ready: ("ready", nil)
        case .waiting: ("waiting", nil)
        case .suspended: ("suspended", nil)
        }
      json.member("state", kind)
      json.member("worker", worker)
      json.member("stateText", task.state.description)
      json.member("stateAge", task.stateAge)
      json.member("age", task.age)
      json.member("busyTime", task.busyTime)
      json.member("longestJob", task.longestJob)
      json.member("jobs", task.jobs)
      json.member("wakes", task.wakes)
    }
  }
}

import Runtime
import RuntimeKit

extension Worker {
  /// What it has done so far.
  var metrics: WorkerMetrics {
    var metrics = WorkerMetrics()
    metrics.jobs = lane.counters.jobs
    metrics.stolenJobs = lane.counters.stolen
    metrics.parks = lane.counters.parks
    metrics.wakes = parking.ringCount
    metrics.busyTime = lane.counters.busyTime
    return metrics
  }
}

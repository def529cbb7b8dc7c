import Runtime
import RuntimeKit

extension Worker {
  /// The worker's metrics.
  var metrics: WorkerMetrics {
    var metrics = WorkerMetrics()
    metrics.jobs = lane.counters.jobs
    metrics.stolenJobs = lane.counters.stolen
    metrics.parks = lane.counters.parks
    metrics.wakes = parking.wakeCount
    metrics.busyTime = lane.counters.busyTime
    return metrics
  }
}

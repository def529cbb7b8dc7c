import Runtime

extension Worker {
  /// What it has done so far.
  var metrics: WorkerMetrics {
    var metrics = WorkerMetrics()
    metrics.jobs = counters.jobs
    metrics.stolenJobs = counters.stolen
    metrics.parks = counters.parks
    metrics.wakes = parking.ringCount
    return metrics
  }
}

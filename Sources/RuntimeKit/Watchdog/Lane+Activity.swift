public import Runtime

extension Lane {
  /// What the lane's thread is doing.
  public var activity: WorkerActivity {
    let job = counters.lastJob
    var activity = WorkerActivity(name: name, isBusy: isBusy && job != 0)
    activity.busyTime = counters.busyTime
    guard activity.isBusy else { return activity }
    (activity.activity, activity.task) = (TaskNote.text(of: job), TaskNames.name(of: job))
    activity.jobAge = counters.jobAge
    return activity
  }
}

public import Runtime

extension Lane {
  /// What is done here just now.
  public var activity: WorkerActivity {
    let job = counters.lastJob
    var activity = WorkerActivity(name: name, isBusy: isBusy && job != 0)
    if job != 0 { (activity.activity, activity.task) = (TaskNote.text(of: job), TaskNames.name(of: job)) }
    return activity
  }
}

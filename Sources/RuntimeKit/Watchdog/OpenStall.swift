import Runtime

/// A stall in progress.
struct OpenStall {
  private let lane: String
  private let job: UInt
  private var activity: String?
  private var task: String?
  private var isReported = false

  /// How long, in nanoseconds, a stall lasts before it is reported without waiting for its end.
  private static let reportDelay: Int64 = 1_000_000_000

  init(_ lane: Lane, _ watchdog: Watchdog) {
    self.lane = lane.name
    job = lane.counters.lastJob
    watchdog.noteStall()
  }

  mutating func update(after time: Int64, _ watchdog: Watchdog) {
    // Read while the job runs, because its activity is unknown once it has ended. The job may only set it now.
    activity = activity ?? TaskNote.text(of: job)
    task = task ?? TaskNames.name(of: job)
    watchdog.noteStallLength(time)
    if time >= Self.reportDelay { report(time, isOver: false, watchdog) }
  }

  mutating func end(after time: Int64, _ watchdog: Watchdog) {
    watchdog.noteStallLength(time)
    report(time, isOver: true, watchdog)
  }

  private mutating func report(_ time: Int64, isOver: Bool, _ watchdog: Watchdog) {
    guard !isReported else { return }
    isReported = true
    watchdog.options.report(
      Stall(
        runtime: watchdog.runtime, worker: lane, duration: .nanoseconds(time), isOver: isOver,
        activity: activity, task: task))
  }
}

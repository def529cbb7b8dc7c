import Runtime
import RuntimePrimitives
import Synchronization

/// What the watchdog knows of the lanes from look to look. Its thread alone has it.
struct Watch {
  private let watched: any WatchedScheduler
  private let watchdog: Watchdog
  private let pool: BlockingPool
  /// Those of the scheduler's own workers first, then those of the relief workers that there have been.
  private var lanes: [Lane]
  private var sights: [Sight]
  private let workerCount: Int
  private let need = ReliefNeed()
  /// When it last looked.
  private var lastLook = MonotonicTime.now
  /// How many looks in a row have found no lane busy.
  private(set) var idleLooks = 0

  init(_ watched: any WatchedScheduler, _ watchdog: Watchdog, _ pool: BlockingPool) {
    self.watched = watched
    self.watchdog = watchdog
    self.pool = pool
    lanes = watched.lanes
    sights = lanes.map { _ in Sight() }
    workerCount = lanes.count
  }

  /// Whether any lane is busy just now.
  func hasBusyLane() -> Bool { lanes.contains(where: \.isBusy) }

  /// Looks at each lane once, and does what is called for.
  mutating func look() {
    let now = MonotonicTime.now
    // After a sleep, what has passed since the last look says nothing of the lanes.
    let elapsed = idleLooks >= WatchdogPace.idleLooks ? 0 : now - lastLook
    lastLook = now
    idleLooks = hasBusyLane() ? 0 : idleLooks + 1
    for index in lanes.indices {
      sights[index].update(lanes[index], now, watchdog)
      if lanes[index].isBusy { lanes[index].counters.hasBeenBusy(for: elapsed) }
      lanes[index].counters.hasBeenInJob(for: sights[index].stuckTime)
    }
    for index in 0..<workerCount where sights[index].stuckTime > 0 { watched.cover(index) }
    need.set(isAllStuck)
    if need.isGiven { relieve() }
  }

  /// Whether no worker will run what waits, as far as one can tell.
  private var isAllStuck: Bool {
    let workers = 0..<workerCount
    func isStuck(_ worker: Int) -> Bool { sights[worker].stuckTime >= WatchdogPace.reliefDelay }
    func hasJob(_ worker: Int) -> Bool { lanes[worker].counters.lastJob != 0 }
    // Where a thread has been asked for and does not come, none will come for the others that have none.
    let lacksThreads = workers.contains { isStuck($0) && !hasJob($0) }
    return workers.allSatisfy { isStuck($0) || lacksThreads && !hasJob($0) }
  }

  /// Brings relief workers, unless one is at hand.
  private mutating func relieve() {
    var stuckCount = 0
    for index in workerCount..<lanes.count where lanes[index].isBusy {
      // It gets on, or its thread is on its way.
      if sights[index].stuckTime == 0 || lanes[index].counters.lastJob == 0 { return }
      stuckCount += 1
    }
    // Two, and then more than twice as many each time: where many jobs block, the last of them waits for a few looks.
    for _ in 0..<2 * (stuckCount + 1) where watched.hasWaitingJobs { bringRelief() }
  }

  /// Has one more relief worker run what waits.
  private mutating func bringRelief() {
    guard let index = idleReliefWorker() else { return }
    let lane = lanes[index]
    lane.enter()
    // Where there is no thread to be had, a later look tries again.
    if pool.submit(ReliefShift(in: lane, of: watched, while: need, watchdog)) != nil { lane.leave() }
  }

  private mutating func idleReliefWorker() -> Int? {
    if let index = (workerCount..<lanes.count).first(where: { !lanes[$0].isBusy }) { return index }
    let number = lanes.count - workerCount
    guard number < watchdog.options.maximumReliefWorkers else { return nil }
    let lane = Lane("relief worker \(number)", watchdog)
    watchdog.reliefLanes.add(lane)
    lanes.append(lane)
    sights.append(Sight())
    return lanes.count - 1
  }
}

/// What the watchdog saw when it looked at a lane.
private struct Sight {
  /// For how many nanoseconds the lane has been at one job, as far as two looks or more can tell; 0 if it gets on.
  private(set) var stuckTime: Int64 = 0
  /// How far the lane had come: the jobs and the sleeps it had begun. -1 if it was idle.
  private var progress = -1
  /// When the lane was first seen there.
  private var start: Int64 = 0
  private var stall: OpenStall?

  mutating func update(_ lane: Lane, _ now: Int64, _ watchdog: Watchdog) {
    let progress = lane.counters.jobs &+ lane.counters.parks
    if lane.isBusy, progress == self.progress {
      stuckTime = max(1, now - start)
      if stall == nil, stuckTime >= watchdog.threshold, lane.counters.lastJob != 0 { stall = OpenStall(lane, watchdog) }
      stall?.goesOn(for: stuckTime, watchdog)
    } else {
      stall?.end(after: now - start, watchdog)
      stall = nil
      stuckTime = 0
      // A lane that gets busy again is not where it was.
      self.progress = lane.isBusy ? progress : -1
      start = now
    }
  }
}

/// Whether relief workers are needed: the watchdog says so, and they look between jobs.
private final class ReliefNeed: Sendable {
  private let flag = Atomic(false)

  // Relaxed: one word that orders nothing. A worker that sees it late runs a job more, or one less.

  var isGiven: Bool { flag.load(ordering: .relaxed) }
  func set(_ isNeeded: Bool) { flag.store(isNeeded, ordering: .relaxed) }
}

/// A relief worker's time at work, on a thread of the pool.
private final class ReliefShift: BlockingWork, @unchecked Sendable {  // It has constants only.
  private let lane: Lane
  private let watched: any WatchedScheduler
  private let need: ReliefNeed
  private let watchdog: Watchdog

  init(in lane: Lane, of watched: any WatchedScheduler, while need: ReliefNeed, _ watchdog: Watchdog) {
    self.lane = lane
    self.watched = watched
    self.need = need
    self.watchdog = watchdog
  }

  override func run() {
    watchdog.noteReliefBegins()
    watched.relieve(in: lane) { need.isGiven }
    watchdog.noteReliefEnds()
    lane.leave()
  }

  override func cancel() { lane.leave() }
}

import Runtime
import RuntimePrimitives
import Synchronization

/// The watchdog's view of the lanes, owned by its thread.
struct LaneMonitor {
  private let watched: any WatchedScheduler
  private let watchdog: Watchdog
  private let pool: BlockingPool
  /// The lanes of the scheduler's workers, followed by those of all relief workers so far.
  private var lanes: [Lane]
  private var observations: [LaneObservation]
  private let workerCount: Int
  private let need = ReliefNeed()
  /// The time of the last check.
  private var lastCheck = MonotonicTime.now
  /// The number of checks in a row that found no lane busy.
  private(set) var idleChecks = 0

  init(_ watched: any WatchedScheduler, _ watchdog: Watchdog, _ pool: BlockingPool) {
    self.watched = watched
    self.watchdog = watchdog
    self.pool = pool
    lanes = watched.lanes
    observations = lanes.map { _ in LaneObservation() }
    workerCount = lanes.count
  }

  /// Returns whether any lane is busy now.
  func hasBusyLane() -> Bool { lanes.contains(where: \.isBusy) }

  /// Checks each lane once, and acts on what it finds.
  mutating func checkLanes() {
    let now = MonotonicTime.now
    // After a sleep, the time since the last check says nothing about the lanes.
    let elapsed = idleChecks >= WatchdogPace.idleChecks ? 0 : now - lastCheck
    lastCheck = now
    idleChecks = hasBusyLane() ? 0 : idleChecks + 1
    for index in lanes.indices {
      observations[index].update(lanes[index], now, watchdog)
      if lanes[index].isBusy { lanes[index].counters.addBusyTime(elapsed) }
      lanes[index].counters.setJobAge(observations[index].stuckTime)
    }
    for index in 0..<workerCount where observations[index].stuckTime > 0 { watched.cover(index) }
    need.set(isAllStuck)
    if need.isActive { startRelief() }
  }

  /// Whether apparently no worker will run the waiting jobs.
  private var isAllStuck: Bool {
    let workers = 0..<workerCount
    func isStuck(_ worker: Int) -> Bool { observations[worker].stuckTime >= WatchdogPace.reliefDelay }
    func hasJob(_ worker: Int) -> Bool { lanes[worker].counters.lastJob != 0 }
    // If a requested thread does not arrive, none will arrive for the other lanes without one either.
    let lacksThreads = workers.contains { isStuck($0) && !hasJob($0) }
    return workers.allSatisfy { isStuck($0) || lacksThreads && !hasJob($0) }
  }

  /// Activates relief workers, unless one is available.
  private mutating func startRelief() {
    var stuckCount = 0
    for index in workerCount..<lanes.count where lanes[index].isBusy {
      // It makes progress, or its thread is on its way.
      if observations[index].stuckTime == 0 || lanes[index].counters.lastJob == 0 { return }
      stuckCount += 1
    }
    // First two, then more than twice as many each time: if many jobs block, the last of them waits for a few checks.
    for _ in 0..<2 * (stuckCount + 1) where watched.hasWaitingJobs { startReliefWorker() }
  }

  /// Makes one more relief worker run waiting jobs.
  private mutating func startReliefWorker() {
    guard let index = idleReliefWorker() else { return }
    let lane = lanes[index]
    lane.enter()
    // If no thread can be created, a later check tries again.
    if pool.submit(ReliefShift(in: lane, of: watched, while: need, watchdog)) != nil { lane.leave() }
  }

  private mutating func idleReliefWorker() -> Int? {
    if let index = (workerCount..<lanes.count).first(where: { !lanes[$0].isBusy }) { return index }
    let number = lanes.count - workerCount
    guard number < watchdog.options.maximumReliefWorkers else { return nil }
    let lane = Lane("relief worker \(number)", watchdog)
    watchdog.reliefLanes.add(lane)
    lanes.append(lane)
    observations.append(LaneObservation())
    return lanes.count - 1
  }
}

/// The watchdog's observations of one lane.
private struct LaneObservation {
  /// How long, in nanoseconds, the lane has been in one job, over at least two checks; 0 if it makes progress.
  private(set) var stuckTime: Int64 = 0
  /// The number of jobs and sleeps that the lane had begun; -1 if it was idle.
  private var progress = -1
  /// When this progress was first seen.
  private var start: Int64 = 0
  private var stall: OpenStall?

  mutating func update(_ lane: Lane, _ now: Int64, _ watchdog: Watchdog) {
    let progress = lane.counters.jobs &+ lane.counters.parks
    if lane.isBusy, progress == self.progress {
      stuckTime = max(1, now - start)
      if stall == nil, stuckTime >= watchdog.threshold, lane.counters.lastJob != 0 { stall = OpenStall(lane, watchdog) }
      stall?.update(after: stuckTime, watchdog)
    } else {
      stall?.end(after: now - start, watchdog)
      stall = nil
      stuckTime = 0
      // A lane that becomes busy again has made progress.
      self.progress = lane.isBusy ? progress : -1
      start = now
    }
  }
}

/// Whether relief workers are needed. The watchdog sets it, and relief workers check it between jobs.
private final class ReliefNeed: Sendable {
  private let flag = Atomic(false)

  // Relaxed: one word that orders nothing else. A worker that sees it late runs one job more or less.

  var isActive: Bool { flag.load(ordering: .relaxed) }
  func set(_ isActive: Bool) { flag.store(isActive, ordering: .relaxed) }
}

/// A relief worker's shift on a thread of the pool.
private final class ReliefShift: BlockingWork, @unchecked Sendable {  // All properties are constants.
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
    watchdog.noteReliefStart()
    watched.relieve(in: lane) { need.isActive }
    watchdog.noteReliefEnd()
    lane.leave()
  }

  override func cancel() { lane.leave() }
}

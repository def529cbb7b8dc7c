import Runtime
import RuntimePrimitives
import Synchronization

/// The watchdog's view of the lanes, owned by its thread.
struct Watch {
  private let watched: any WatchedScheduler
  private let watchdog: Watchdog
  private let pool: BlockingPool
  /// The lanes of the scheduler's workers, followed by those of all relief workers so far.
  private var lanes: [Lane]
  private var sights: [Sight]
  private let workerCount: Int
  private let need = ReliefNeed()
  /// The time of the last look.
  private var lastLook = MonotonicTime.now
  /// The number of looks in a row that found no lane busy.
  private(set) var idleLooks = 0

  init(_ watched: any WatchedScheduler, _ watchdog: Watchdog, _ pool: BlockingPool) {
    self.watched = watched
    self.watchdog = watchdog
    self.pool = pool
    lanes = watched.lanes
    sights = lanes.map { _ in Sight() }
    workerCount = lanes.count
  }

  /// Returns whether any lane is busy now.
  func hasBusyLane() -> Bool { lanes.contains(where: \.isBusy) }

  /// Looks at each lane once, and acts on what it finds.
  mutating func look() {
    let now = MonotonicTime.now
    // After a sleep, the time since the last look says nothing about the lanes.
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

  /// Whether apparently no worker will run the waiting jobs.
  private var isAllStuck: Bool {
    let workers = 0..<workerCount
    func isStuck(_ worker: Int) -> Bool { sights[worker].stuckTime >= WatchdogPace.reliefDelay }
    func hasJob(_ worker: Int) -> Bool { lanes[worker].counters.lastJob != 0 }
    // If a requested thread does not arrive, none will arrive for the other lanes without one either.
    let lacksThreads = workers.contains { isStuck($0) && !hasJob($0) }
    return workers.allSatisfy { isStuck($0) || lacksThreads && !hasJob($0) }
  }

  /// Activates relief workers, unless one is available.
  private mutating func relieve() {
    var stuckCount = 0
    for index in workerCount..<lanes.count where lanes[index].isBusy {
      // It makes progress, or its thread is on its way.
      if sights[index].stuckTime == 0 || lanes[index].counters.lastJob == 0 { return }
      stuckCount += 1
    }
    // First two, then more than twice as many each time: if many jobs block, the last of them waits for a few looks.
    for _ in 0..<2 * (stuckCount + 1) where watched.hasWaitingJobs { bringRelief() }
  }

  /// Makes one more relief worker run waiting jobs.
  private mutating func bringRelief() {
    guard let index = idleReliefWorker() else { return }
    let lane = lanes[index]
    lane.enter()
    // If no thread can be created, a later look tries again.
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

/// The watchdog's observations of one lane.
private struct Sight {
  /// How long, in nanoseconds, the lane has been in one job, over at least two looks; 0 if it makes progress.
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
      stall?.goesOn(for: stuckTime, watchdog)
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

  var isGiven: Bool { flag.load(ordering: .relaxed) }
  func set(_ isNeeded: Bool) { flag.store(isNeeded, ordering: .relaxed) }
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
    watchdog.noteReliefBegins()
    watched.relieve(in: lane) { need.isGiven }
    watchdog.noteReliefEnds()
    lane.leave()
  }

  override func cancel() { lane.leave() }
}

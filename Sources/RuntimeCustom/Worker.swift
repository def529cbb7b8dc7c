import Runtime
import RuntimeKit
import RuntimePrimitives

/// A thread of the pool, with its own queue, poller and timer wheel, and the loop that serves all three.
final class Worker: @unchecked Sendable {  // Only the worker's own thread accesses the variables.
  let index: Int
  let poller: any Poller
  let sleeps: SleepQueue
  let queue = RunQueue()
  let lane: Lane
  let parking: Parking

  // Accesses on the single thread cannot overlap. Checking that at run time would cost a tenth of a job.
  @exclusivity(unchecked) private var turn = WorkerTurn()
  @exclusivity(unchecked) private var isSearching = false
  @exclusivity(unchecked) private var isPolling = false
  /// Whether this worker's queue has been full, so that later jobs went to the shared queue.
  @exclusivity(unchecked) private var isSpilling = false
  /// Whether a job of this worker's own queue has run since the end of a turn last took one from the shared queue.
  @exclusivity(unchecked) private var hasRunOwnJob = true
  @exclusivity(unchecked) private var random: UInt32
  /// The number of jobs of each worker when this one last checked.
  @exclusivity(unchecked) private var progress: [Int] = []

  /// How long, in nanoseconds, a worker has to be in one job before its only other job is stolen: about the cost of
  /// moving a job.
  private static let loneJobDelay: Int64 = 5_000
  /// The interval at which a dozing worker checks for work, in nanoseconds.
  private static let doze: Int64 = 1_000_000

  init(index: Int, poller kind: PollerKind, _ watchdog: Watchdog?) throws(IOError) {
    let parking = Parking(try kind.makePoller())
    self.index = index
    lane = Lane("worker \(index)", watchdog)
    self.parking = parking
    poller = parking.poller
    sleeps = SleepQueue { _ in parking.unpark() }
    random = UInt32(truncatingIfNeeded: index) &* 0x9E37_79B9 | 1
  }

  // MARK: On the worker's own thread

  /// Runs jobs until the scheduler stops.
  func run(_ scheduler: Scheduler) {
    let identity = scheduler.asUnownedTaskExecutor()
    let runner = JobRunner()
    progress = [Int](repeating: 0, count: scheduler.workers.count)
    lane.enter()
    while !scheduler.isStopping {
      guard let job = nextJob(scheduler) ?? search(scheduler) else {
        park(scheduler)
        continue
      }
      endSearch(scheduler)
      lane.counters.hasTaken(job)
      runner.run(job, on: identity)
    }
    lane.leave()
    poller.close()
    while let job = queue.pop() { scheduler.exile(job) }
  }

  /// Queues a job that was made ready on this thread.
  func push(_ job: UnownedJob, _ scheduler: Scheduler) {
    // Later jobs must not overtake those that found no room.
    if isSpilling { isSpilling = scheduler.sharedQueue.count > 0 }
    guard !isSpilling, queue.push(job) else {
      isSpilling = true
      return scheduler.enqueueShared(CollectionOfOne(job))
    }
    // Jobs from a poll are announced once the poll is over.
    if !isPolling { scheduler.shareWork(isLone: queue.count == 1) }
  }

  private func nextJob(_ scheduler: Scheduler) -> UnownedJob? {
    if turn.isOver() {
      checkSources(scheduler)
      // A job that is longer than a turn ends the turn alone. If each turn then began with a job from the shared queue,
      // the worker's own jobs would wait until the shared queue is empty.
      if hasRunOwnJob, let job = popSharedJob(scheduler) {
        hasRunOwnJob = false
        return job
      }
    }
    guard let job = queue.pop() else { return popSharedJob(scheduler) }
    hasRunOwnJob = true
    return job
  }

  /// Polls the sockets and fires the timers, which must not wait until the worker runs out of jobs.
  private func checkSources(_ scheduler: Scheduler) {
    collectReadyJobs { parking.poll() }
    turn.begin()
    wakeHelperIfNeeded(scheduler)
  }

  private func popSharedJob(_ scheduler: Scheduler) -> UnownedJob? {
    scheduler.sharedQueue.pop(into: queue, sharedBy: scheduler.workers.count)
  }

  /// Searches the other workers for work, beginning with a random one.
  private func search(_ scheduler: Scheduler) -> UnownedJob? {
    // Even if there are no other workers: only a worker that has searched checks once more before it sleeps.
    if !isSearching {
      guard scheduler.idle.beginSearch() else { return nil }
      isSearching = true
    }
    guard scheduler.stealsWork else { return popSharedJob(scheduler) }
    return steal(scheduler, atLeast: 2) ?? popSharedJob(scheduler) ?? stealLoneJob(scheduler)
  }

  private func steal(_ scheduler: Scheduler, atLeast: UInt32) -> UnownedJob? {
    let workers = scheduler.workers
    let start = Int(nextRandom() % UInt32(workers.count))
    for offset in 0..<workers.count {
      if let job = steal(from: workers[(start + offset) % workers.count], atLeast: atLeast) { return job }
    }
    return nil
  }

  private func steal(from victim: Worker, atLeast: UInt32) -> UnownedJob? {
    guard victim !== self, let (job, count) = victim.queue.steal(into: queue, atLeast: atLeast) else { return nil }
    lane.counters.hasStolen(count)
    return job
  }

  /// Steals the only waiting job of a worker that is stuck in another job, or takes other work that appears meanwhile.
  private func stealLoneJob(_ scheduler: Scheduler) -> UnownedJob? {
    let workers = scheduler.workers
    guard workers.contains(where: { $0.queue.count > 0 }) else { return nil }
    for worker in workers { progress[worker.index] = worker.lane.counters.jobs }
    let end = MonotonicTime.now + Self.loneJobDelay
    repeat {
      if scheduler.hasWork { return steal(scheduler, atLeast: 2) ?? popSharedJob(scheduler) }
    } while MonotonicTime.now < end
    for worker in workers where worker.lane.counters.jobs == progress[worker.index] {
      if let job = steal(from: worker, atLeast: 1) { return job }
    }
    return nil
  }

  private func endSearch(_ scheduler: Scheduler) {
    guard isSearching else { return }
    isSearching = false
    if scheduler.idle.endSearch() { scheduler.wakeOne() }
  }

  /// Sleeps until there is work.
  private func park(_ scheduler: Scheduler) {
    let first = sleeps.fire()
    // Tasks whose deadline has passed are in the queue now, and no other worker knows of them.
    guard queue.count == 0 else { return }
    let instructions = scheduler.idle.sleep(index, isSearching: isSearching, mayDoze: scheduler.stealsWork)
    isSearching = false
    // If this worker is picked, it does not sleep.
    if instructions.mustRecheck, scheduler.hasWork { scheduler.wakeOne() }
    lane.counters.hasParked()
    lane.leave()
    let wait = first.map { max(0, $0 - MonotonicTime.now) }
    collectReadyJobs { parking.sleep(instructions.dozes ? min(wait ?? .max, Self.doze) : wait) }
    lane.enter()
    turn.begin()
    isSearching = scheduler.idle.wake(index, dozed: instructions.dozes)
    // Only after `wake`: before it, `wakeOne` could pick this worker.
    wakeHelperIfNeeded(scheduler)
  }

  /// Queues the jobs that `poll` makes ready, and the tasks whose deadline has passed.
  private func collectReadyJobs(_ poll: () -> Void) {
    isPolling = true
    poll()
    _ = sleeps.fire()
    isPolling = false
  }

  /// Wakes another worker if a poll has brought more than one job.
  private func wakeHelperIfNeeded(_ scheduler: Scheduler) {
    if queue.count > 1 { scheduler.shareWork() }
  }

  /// Xorshift (Marsaglia 2003), which is good enough to pick a victim.
  private func nextRandom() -> UInt32 {
    random ^= random << 13
    random ^= random >> 17
    random ^= random << 5
    return random
  }
}

import Runtime
import RuntimeKit
import RuntimePrimitives

/// One thread of the pool: a queue, a poller and a timer wheel of its own, and a loop that sees to all three.
final class Worker: @unchecked Sendable {  // What is `var` here is touched by the worker's own thread alone.
  let index: Int
  let poller: any Poller
  let sleeps: SleepQueue
  let queue = RunQueue()
  let lane: Lane
  let parking: Parking

  // No accesses of these can overlap on the one thread that makes them; to check that would cost a tenth of a job.
  @exclusivity(unchecked) private var turn = WorkerTurn()
  @exclusivity(unchecked) private var isSearching = false
  @exclusivity(unchecked) private var isPolling = false
  /// Whether this worker's queue has been full, and what was pushed since is in the shared queue.
  @exclusivity(unchecked) private var isSpilling = false
  @exclusivity(unchecked) private var random: UInt32
  /// How far each worker had come when this one last looked.
  @exclusivity(unchecked) private var progress: [Int] = []

  /// For how many nanoseconds a worker has to be at one job before the only other that it has is taken from it: about
  /// what it costs to move one.
  private static let patience: Int64 = 5_000
  /// How often a worker that dozes looks round, in nanoseconds.
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

  /// Works until the scheduler stops.
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
    // Jobs that come later must not overtake those that found no room.
    if isSpilling { isSpilling = scheduler.injector.count > 0 }
    guard !isSpilling, queue.push(job) else {
      isSpilling = true
      return scheduler.inject(CollectionOfOne(job))
    }
    // What a poll brings is announced once it is over.
    if !isPolling { scheduler.shareWork(isLone: queue.count == 1) }
  }

  private func nextJob(_ scheduler: Scheduler) -> UnownedJob? {
    if turn.isOver(), let job = lookRound(scheduler) { return job }
    return queue.pop() ?? injectedJob(scheduler)
  }

  /// Sees to the sockets, the timers and the shared queue, which must not wait for a worker that always has jobs.
  private func lookRound(_ scheduler: Scheduler) -> UnownedJob? {
    gatherReady { parking.poll() }
    turn.begin()
    shareWhatHasCome(scheduler)
    return injectedJob(scheduler)
  }

  private func injectedJob(_ scheduler: Scheduler) -> UnownedJob? {
    scheduler.injector.pop(into: queue, sharedBy: scheduler.workers.count)
  }

  /// Looks for work with the other workers, beginning anywhere.
  private func search(_ scheduler: Scheduler) -> UnownedJob? {
    // Also where there are no others: only one that has searched looks once more before it sleeps.
    if !isSearching {
      guard scheduler.idle.beginSearch() else { return nil }
      isSearching = true
    }
    guard scheduler.stealsWork else { return injectedJob(scheduler) }
    return steal(scheduler, atLeast: 2) ?? injectedJob(scheduler) ?? stealLoneJob(scheduler)
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

  /// Takes the only job of a worker that does not get round to it, or whatever else turns up meanwhile.
  private func stealLoneJob(_ scheduler: Scheduler) -> UnownedJob? {
    let workers = scheduler.workers
    guard workers.contains(where: { $0.queue.count > 0 }) else { return nil }
    for worker in workers { progress[worker.index] = worker.lane.counters.jobs }
    let end = MonotonicTime.now + Self.patience
    repeat {
      if scheduler.hasWork { return steal(scheduler, atLeast: 2) ?? injectedJob(scheduler) }
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

  /// Sleeps until there is something to do.
  private func park(_ scheduler: Scheduler) {
    let first = sleeps.fire()
    // Whose time had come is in the queue now, and nobody else knows of it.
    guard queue.count == 0 else { return }
    let rest = scheduler.idle.sleep(index, isSearching: isSearching, mayDoze: scheduler.stealsWork)
    isSearching = false
    // It may be this worker that is woken here; then it does not sleep.
    if rest.mustLook, scheduler.hasWork { scheduler.wakeOne() }
    lane.counters.hasParked()
    lane.leave()
    let wait = first.map { max(0, $0 - MonotonicTime.now) }
    gatherReady { parking.sleep(rest.dozes ? min(wait ?? .max, Self.doze) : wait) }
    lane.enter()
    turn.begin()
    isSearching = scheduler.idle.rise(index, dozed: rest.dozes)
    // Only after `rise`: before it, `wakeOne` could pick this worker.
    shareWhatHasCome(scheduler)
  }

  /// Takes what `poll` makes ready, and the tasks whose time has come, into the queue.
  private func gatherReady(_ poll: () -> Void) {
    isPolling = true
    poll()
    _ = sleeps.fire()
    isPolling = false
  }

  /// Wakes another worker if a poll has brought more than this one can run next.
  private func shareWhatHasCome(_ scheduler: Scheduler) {
    if queue.count > 1 { scheduler.shareWork() }
  }

  /// Xorshift (Marsaglia 2003): good enough to pick a victim.
  private func nextRandom() -> UInt32 {
    random ^= random << 13
    random ^= random >> 17
    random ^= random << 5
    return random
  }
}

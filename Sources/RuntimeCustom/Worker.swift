import CRuntime
import Runtime
import Synchronization

/// One thread of the pool: a queue, a poller and a timer wheel of its own, and a loop that sees to all three.
final class Worker: @unchecked Sendable {  // What is `var` here is touched by the worker's own thread alone.
  let index: Int
  let poller: any Poller
  let sleeps: SleepQueue
  let queue = RunQueue()
  /// The job that was made ready last and goes first, while what it needs is still in the cache. 0: none.
  private let next = Atomic<UInt>(0)
  private let parking: Parking

  private var tick: UInt32 = 0
  private var nextStreak = 0
  private var isSearching = false
  private var isPolling = false
  private var random: UInt32

  /// After how many jobs a busy worker looks at the shared queue, the sockets and the time; tokio's figure too. A prime,
  /// so that it falls into step with nobody.
  private static let fairness: UInt32 = 61
  /// How often in a row `next` may overtake the queue: two tasks that wake each other must not starve the others.
  private static let longestStreak = 3

  init(index: Int, poller kind: PollerKind) throws(IOError) {
    let parking = Parking(try kind.makePoller())
    self.index = index
    self.parking = parking
    poller = parking.poller
    sleeps = SleepQueue { _ in parking.unpark() }
    random = UInt32(truncatingIfNeeded: index) &* 0x9E37_79B9 | 1
  }

  /// Makes the worker look for work if it sleeps.
  func unpark() { parking.unpark() }

  /// How many jobs wait here.
  var depth: Int { queue.count + (next.load(ordering: .relaxed) == 0 ? 0 : 1) }

  // MARK: On the worker's own thread

  /// Works until the scheduler stops.
  func run(_ scheduler: Scheduler) {
    let identity = scheduler.asUnownedTaskExecutor()
    gearbox_enter_executor(scheduler.identity, Int32(index))
    while !scheduler.isStopping {
      tick &+= 1
      if tick % Self.fairness == 0 { poll(scheduler, timeout: 0) }
      guard let job = nextJob(scheduler) ?? search(scheduler) else {
        park(scheduler)
        continue
      }
      endSearch(scheduler)
      unsafe job.runSynchronously(on: identity)
    }
    gearbox_enter_executor(nil, 0)
  }

  /// Queues a job that was made ready on this thread: the newest first, unless it comes from the poller or of its own
  /// accord gave others a turn.
  func push(_ job: UnownedJob, givesTurn: Bool, _ scheduler: Scheduler) {
    if givesTurn || isPolling {
      append(job, scheduler)
    } else {
      // Acquiring and releasing: a thief takes the job with all that was written for it.
      let older = next.exchange(unsafeBitCast(job, to: UInt.self), ordering: .acquiringAndReleasing)
      guard older != 0 else { return }
      append(Self.job(older), scheduler)
    }
    // What a poll brings is announced once it is over.
    if !isPolling { scheduler.shareWork() }
  }

  private func append(_ job: UnownedJob, _ scheduler: Scheduler) {
    let rest = queue.push(job)
    if !rest.isEmpty { scheduler.inject(rest) }
  }

  private func nextJob(_ scheduler: Scheduler) -> UnownedJob? {
    if tick % Self.fairness == 0, let job = scheduler.injector.pop() { return job }
    if nextStreak < Self.longestStreak, let job = takeNext() {
      nextStreak += 1
      return job
    }
    nextStreak = 0
    return queue.pop() ?? takeNext() ?? scheduler.injector.pop()
  }

  /// Takes the job that goes first, from any thread.
  private func takeNext() -> UnownedJob? {
    guard next.load(ordering: .relaxed) != 0 else { return nil }
    let bits = next.exchange(0, ordering: .acquiringAndReleasing)
    return bits == 0 ? nil : Self.job(bits)
  }

  /// Looks for work with the other workers, beginning anywhere.
  private func search(_ scheduler: Scheduler) -> UnownedJob? {
    let workers = scheduler.workers
    // Also where there are no others: only one that has searched looks once more before it sleeps.
    if !isSearching {
      guard scheduler.idle.beginSearch() else { return nil }
      isSearching = true
    }
    guard scheduler.stealsWork else { return scheduler.injector.pop() }
    let start = Int(nextRandom() % UInt32(workers.count))
    for offset in 0..<workers.count {
      let victim = workers[(start + offset) % workers.count]
      if victim !== self, let job = victim.queue.steal(into: queue) { return job }
    }
    // Last, since its own worker is most likely about to run it; but one that is stuck must not keep it for ever.
    for victim in workers where victim !== self {
      if let job = victim.takeNext() { return job }
    }
    return scheduler.injector.pop()
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
    guard depth == 0 else { return }
    let mustLook = scheduler.idle.sleep(index, isSearching: isSearching)
    isSearching = false
    // It may be this worker that is woken here; then it does not sleep.
    if mustLook, scheduler.hasWork { scheduler.wakeOne() }
    if parking.begin() { poll(scheduler, timeout: first.map { max(0, $0 - monotonicNow()) }) }
    parking.end()
    isSearching = scheduler.idle.rise(index)
  }

  /// Sees to the sockets and the time.
  private func poll(_ scheduler: Scheduler, timeout: Int64?) {
    isPolling = true
    poller.poll(timeout: timeout)
    _ = sleeps.fire()
    isPolling = false
    if queue.count > 1 { scheduler.shareWork() }
  }

  /// Xorshift (Marsaglia 2003): good enough to pick a victim.
  private func nextRandom() -> UInt32 {
    random ^= random << 13
    random ^= random >> 17
    random ^= random << 5
    return random
  }

  /// What is left when the thread has ended.
  func drain() -> [UnownedJob] {
    var rest: [UnownedJob] = []
    while let job = takeNext() ?? queue.pop() { rest.append(job) }
    return rest
  }

  /// The inverse of the cast in `push`: a job is one pointer.
  private static func job(_ bits: UInt) -> UnownedJob { unsafeBitCast(bits, to: UnownedJob.self) }
}

/// How a worker sleeps in its poller, and how it is woken: the poller's alarm is rung only for one that really sleeps.
final class Parking: Sendable {
  let poller: any Poller
  private let state = Atomic<UInt8>(awake)

  private static let awake: UInt8 = 0
  private static let asleep: UInt8 = 1
  private static let notified: UInt8 = 2

  init(_ poller: any Poller) { self.poller = poller }

  /// - Returns: whether the worker may sleep: nobody has woken it since it last ended.
  func begin() -> Bool {
    state.compareExchange(expected: Self.awake, desired: Self.asleep, ordering: .acquiringAndReleasing).exchanged
  }

  /// Acquiring: what was queued before a wake that this swallows is seen by the look round that follows.
  func end() { _ = state.exchange(Self.awake, ordering: .acquiringAndReleasing) }

  func unpark() {
    if state.exchange(Self.notified, ordering: .acquiringAndReleasing) == Self.asleep { poller.wake() }
  }
}

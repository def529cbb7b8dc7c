import CSimulation
import Glibc
import Runtime
import RuntimePrimitives
import Synchronization

/// One run: the jobs that are ready, the simulated time, and the tasks that wait.
///
/// A run has one thread, and only tasks on that thread touch its state. What other threads ask for goes through
/// `inbox`.
final class Simulation: @unchecked Sendable {  // See above.
  let seed: UInt64
  let limits: SimulationLimits

  /// The simulated time: nanoseconds since the run began.
  private(set) var now: Int64 = 0
  /// What is ready, and which of it runs next.
  private(set) var readyQueue: any ReadyQueue
  var timers = TimerHeap()
  /// The conditions that the run checks.
  var invariants: [Invariant] = []
  /// The choices from which on the run draws from another seed.
  private let branches: [Int: UInt64]
  /// The source of the random numbers that the code under test gets from the system.
  private var random: RandomNumbers

  private(set) var jobCount = 0
  /// The number of jobs run since no job was ready.
  private var jobsWithoutPause = 0
  /// When the run has taken too long, in nanoseconds of real time.
  private var realDeadline = Int64.max

  private(set) var journal = Journal()
  private(set) lazy var network = SimulatedNetwork(simulation: self, faults: dice)
  /// The owners of tasks: which incarnation of a host each belongs to.
  let owners = TaskOwners()
  /// An error that a host's program has thrown.
  var programError: (any Error)?
  private let dice: FaultDice
  /// The waiting tasks, by number.
  var waiting: [Int: Waiter] = [:]
  var waitCount = 0
  private let inbox = Lock(Inbox())
  /// Whether there is anything in `inbox`. Saves taking its lock for every job.
  private let hasInboxItems = Atomic(false)
  /// What C code refers to during the run.
  private let hooks = UnsafeMutablePointer<gearbox_simulation>.allocate(capacity: 1)

  /// What other threads have sent to the simulation.
  private struct Inbox {
    enum Phase { case before, during, after }
    var phase = Phase.before
    var jobs: [UnownedJob] = []
    var requests: [@Sendable () -> Void] = []
    /// Whether a job came from another thread during the run, which then cannot be repeated.
    var hasInterference = false
  }

  init(
    seed: UInt64, schedule: RunSchedule = .random, faults: FaultPlan, only: Set<Fault>? = nil, limits: SimulationLimits
  ) {
    self.seed = seed
    readyQueue = schedule.makeReadyQueue(seed: seed)
    branches = schedule.branches
    self.limits = limits
    random = RandomNumbers(seed: seed, purpose: 2)
    dice = FaultDice(seed: seed, plan: faults, only: only)
    let identity = Unmanaged.passUnretained(self).toOpaque()
    hooks.initialize(
      to: gearbox_simulation(
        simulation: identity, enqueue: enqueueFromGlobalPool, random: nextRandomNumber, describe: describeTrap,
        repetition: strdup(schedule.schedule.repetition(of: seed))))
  }

  deinit {
    free(hooks.pointee.repetition)
    hooks.deallocate()
  }

  /// The reason why a run stopped early.
  enum Stop {
    /// Nothing is ready and nothing will be: every task waits for another, or for something outside.
    case deadlock
    /// Jobs run without end.
    case livelock
    /// The simulated time has reached its limit.
    case timeLimit
    /// The real time has reached its limit.
    case realTimeLimit
    /// Sleeps have ended and begun again, and nothing else has happened.
    case standstill
    /// An invariant does not hold.
    case violation(Invariant)
    /// The caller has cancelled the run.
    case cancelled
  }

  // MARK: Running

  /// Runs jobs on the calling thread until `isDone` returns true.
  ///
  /// - Returns: why the run stopped before that; `nil` if it did not.
  func run(until isDone: () -> Bool, isCancelled: () -> Bool = { false }) -> Stop? {
    attachToThread()
    defer { detachFromThread() }
    while !isDone() {
      drainInbox()
      beginBranch()
      if let next = readyQueue.next() {
        run(next)
        if let invariant = violation(at: .everyStep) { return .violation(invariant) }
      } else if let invariant = violation(at: .quietMoments) {
        return .violation(invariant)
      } else if let time = timers.nextTime() {
        if time > limits.time.nanoseconds { return .timeLimit }
        if isAtStandstill { return .standstill }
        jobsWithoutPause = 0
        advance(to: time)
      } else {
        return .deadlock
      }
      if jobsWithoutPause >= limits.jobsWithoutPause { return .livelock }
      if jobsWithoutPause > 0, jobsWithoutPause % Self.jobsBeforeTimeAdvances == 0, let time = timers.nextTime() {
        // Tasks that yield to each other may be waiting for a time. On a real machine, time would pass.
        if time > limits.time.nanoseconds { return .timeLimit }
        advance(to: time)
      }
      if jobCount % 1024 == 0 {
        if isCancelled() { return .cancelled }
        if gearbox_real_time() > realDeadline { return .realTimeLimit }
      }
    }
    return nil
  }

  /// Draws from another seed from here on, if a branch begins at the choice that comes next.
  private func beginBranch() {
    guard !branches.isEmpty, readyQueue.count > 1, let seed = branches[readyQueue.choiceCount] else { return }
    readyQueue.reseed(seed)
    random = RandomNumbers(seed: seed, purpose: 2)
    network.faults.reseed(seed)
  }

  /// Whether there have been too many ticks since anything else happened, and no older sleep is in progress that could
  /// still bring something else.
  private var isAtStandstill: Bool {
    guard journal.ticks >= limits.ticksWithoutProgress else { return false }
    if timers.hasTimer(below: journal.timersAtProgress) {
      journal.recordProgress()
      return false
    }
    return true
  }

  /// The number of jobs that run before time advances although more are ready.
  private static let jobsBeforeTimeAdvances = 100_000

  private func attachToThread() {
    inbox.withLock { $0.phase = .during }
    realDeadline = MonotonicTime.deadline(after: limits.realTime.nanoseconds, from: gearbox_real_time())
    jobsWithoutPause = 0
    gearbox_enter_simulation(hooks)
    gearbox_set_simulated_time(now)
  }

  private func detachFromThread() {
    let hasBeenResumed = gearbox_has_been_resumed_from_outside()
    gearbox_enter_simulation(nil)
    inbox.withLock { inbox in
      inbox.phase = .before
      if hasBeenResumed { inbox.hasInterference = true }
    }
  }

  /// Shuts the simulation down for good. Jobs that are left, or that still come, never run, because the state that
  /// their tasks would touch no longer belongs to a thread. The memory of these tasks is leaked.
  func shutDown() {
    inbox.withLock { inbox in
      inbox.phase = .after
      (inbox.jobs, inbox.requests) = ([], [])
    }
    readyQueue.removeAll()
  }

  /// Drops the journal and the network, which tasks that never run again would otherwise keep in memory.
  func releaseStateIfTasksAreDead() {
    guard owners.hasDead else { return }
    (journal, network, timers, waiting) = (
      Journal(), SimulatedNetwork(simulation: self, faults: dice), TimerHeap(), [:]
    )
  }

  private func run(_ next: ReadyItem) {
    jobCount += 1
    jobsWithoutPause += 1
    switch next {
    case .job(let job):
      let pointer = unsafeBitCast(job, to: UnsafeMutableRawPointer.self)
      let task = gearbox_task_of_job(pointer)
      // The job is dropped, and its task stays suspended.
      if owners.isDead(task) { return }
      journal.beginStep(taskID: task, at: now)
      gearbox_set_running_job(pointer)
      unsafe job.runSynchronously(on: asUnownedTaskExecutor())
      gearbox_set_running_job(nil)
    case .work(let work):
      journal.beginStep(task: 0, at: now)
      work()
    }
    journal.endStep()
  }

  private func advance(to time: Int64) {
    now = max(now, time)
    gearbox_set_simulated_time(now)
    journal.beginStep(task: 0, at: now)
    journal.recordTick(timers: timers.insertedCount)
    while let action = timers.pop(dueAt: now) {
      switch action {
      case .wake(let waiter, let wake): self.wake(waiter, wake)
      case .job(let job, _): readyQueue.append(.job(job))
      case .event(let body): body()
      }
    }
    journal.endStep()
  }
}

// MARK: - Jobs

extension Simulation: TaskExecutor {
  func enqueue(_ job: consuming ExecutorJob) { receive(UnownedJob(job)) }

  private func receive(_ job: UnownedJob) {
    if isCurrent { return adopt(job) }
    addToInbox { $0.jobs.append(job) }
  }

  /// Adds something to the inbox, unless the simulation is over.
  private func addToInbox(_ change: (inout Inbox) -> Void) {
    inbox.withLock { inbox in
      switch inbox.phase {
      case .before: break
      case .during: inbox.hasInterference = true
      case .after: return
      }
      change(&inbox)
      // Releasing: `drainInbox` acquires it and sees what has been added.
      hasInboxItems.store(true, ordering: .releasing)
    }
  }

  /// Takes over a job of the simulation's thread, even one that Swift meant for its global pool.
  fileprivate func adopt(_ job: UnownedJob) {
    owners.recordOwner(of: job)
    readyQueue.append(.job(job))
  }

  fileprivate func nextRandom() -> UInt64 { random.next() }

  /// Whether the calling thread runs this simulation.
  var isCurrent: Bool { gearbox_is_simulating(Unmanaged.passUnretained(self).toOpaque()) }

  /// Runs `work` between two jobs, in no task.
  func enqueue(work: @escaping () -> Void) { readyQueue.append(.work(work)) }

  /// The number of jobs that are ready.
  var readyCount: Int { readyQueue.count }

  /// Whether another thread has interfered.
  var hasInterference: Bool { inbox.withLock { $0.hasInterference } }

  /// Calls `request`: now, if the calling thread is the simulation's, otherwise when the simulation next looks.
  func perform(_ request: @escaping @Sendable () -> Void) {
    if isCurrent { return request() }
    addToInbox { $0.requests.append(request) }
  }

  fileprivate func drainInbox() {
    guard hasInboxItems.load(ordering: .acquiring) else { return }
    hasInboxItems.store(false, ordering: .relaxed)
    let (jobs, requests) = inbox.withLock { inbox in
      defer { (inbox.jobs, inbox.requests) = ([], []) }
      return (inbox.jobs, inbox.requests)
    }
    for request in requests { request() }
    for job in jobs { adopt(job) }
  }
}

extension Simulation {
  /// A description of the run when a task trapped, for people.
  fileprivate var trapDescription: String {
    var lines: [String] = []
    let task = journal.task
    if task > 0 {
      let host = network.hosts.first { $0.tasks.contains(task) }
      lines.append("It was \(journal.name(ofTask: task))\(host.map { ", which host \($0.number) has started" } ?? "").")
    }
    lines.append("Last events:")
    lines += journal.lastLines(limits.eventsShown).map { "  \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }
}

// Functions rather than closures: C calls them.
private func describeTrap(_ simulation: UnsafeMutableRawPointer) {
  var text = Unmanaged<Simulation>.fromOpaque(simulation).takeUnretainedValue().trapDescription
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

private func enqueueFromGlobalPool(_ simulation: UnsafeMutableRawPointer, _ job: UnsafeMutableRawPointer) {
  Unmanaged<Simulation>.fromOpaque(simulation).takeUnretainedValue().adopt(unsafeBitCast(job, to: UnownedJob.self))
}

private func nextRandomNumber(_ simulation: UnsafeMutableRawPointer) -> UInt64 {
  Unmanaged<Simulation>.fromOpaque(simulation).takeUnretainedValue().nextRandom()
}

// The toolchain offers this to executors, but not publicly yet. Without it, `Task.sleep` and Swift's clocks would sleep
// in real time, outside the simulation.

#if compiler(>=6.3) && os(Linux)
  @_spi(ExperimentalScheduling) import _Concurrency

  extension Simulation: SchedulingExecutor {
    func enqueue<C: Clock>(
      _ job: consuming ExecutorJob, after delay: C.Duration, tolerance: C.Duration?, clock: C
    ) {
      guard let delay = delay as? Duration else { preconditionFailure("\(C.self) does not count time in Duration") }
      timers.insert(
        at: MonotonicTime.deadline(after: delay.nanoseconds, from: now), .job(UnownedJob(job), of: owners.current))
    }

    func enqueue<C: Clock>(
      _ job: consuming ExecutorJob, at instant: C.Instant, tolerance: C.Duration?, clock: C
    ) {
      enqueue(job, after: clock.now.duration(to: instant), tolerance: tolerance, clock: clock)
    }
  }
#endif

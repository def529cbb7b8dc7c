import CSimulation
import Glibc
import Runtime
import RuntimePrimitives
import Synchronization

/// One run: the jobs that are ready, the time, and what waits for it.
///
/// It runs on one thread, and all of its state is that thread's: the task that touches it runs there. What comes from
/// other threads goes through `outside`.
final class Simulation: @unchecked Sendable {  // See above.
  let seed: UInt64
  let limits: SimulationLimits

  /// Nanoseconds since it began.
  private(set) var now: Int64 = 0
  /// What is ready, and whose turn it is.
  private(set) var turns: any Turns
  var timers = TimerHeap()
  /// What has to hold all the time.
  var invariants: [Invariant] = []
  /// What the code under test gets when it asks the system for random numbers.
  private var random: RandomNumbers

  private(set) var jobCount = 0
  /// Jobs run since there was last nothing to run.
  private var jobsWithoutPause = 0
  /// When it has taken too long, in nanoseconds of real time.
  private var realEnd = Int64.max

  private(set) var journal = Journal()
  private(set) lazy var network = SimulatedNetwork(simulation: self, faults: dice)
  /// Whose the tasks are.
  let owners = TaskOwners()
  /// What a host's program has thrown.
  var programError: (any Error)?
  private let dice: FaultDice
  /// Whoever waits, by number.
  var waiting: [Int: Waiter] = [:]
  var waitCount = 0
  private let outside = Lock(Outside())
  /// Whether there is anything in `outside`, so that its lock need not be taken for every job.
  private let hasOutside = Atomic(false)
  /// What C keeps hold of while this runs.
  private let hooks = UnsafeMutablePointer<gearbox_simulation>.allocate(capacity: 1)

  /// What other threads leave for the simulation.
  private struct Outside {
    enum Phase { case before, during, after }
    var phase = Phase.before
    var jobs: [UnownedJob] = []
    var requests: [@Sendable () -> Void] = []
    /// Whether a job came from another thread while the simulation ran: it cannot be repeated then.
    var hasIntruded = false
  }

  /// - Parameter turns: decides whose turn it is; drawn from the seed unless given.
  init(
    seed: UInt64, turns: (any Turns)? = nil, faults: FaultPlan, only: Set<Fault>? = nil, limits: SimulationLimits
  ) {
    self.seed = seed
    self.turns = turns ?? RandomTurns(seed: seed)
    self.limits = limits
    random = RandomNumbers(seed: RandomNumbers.hash(seed, 2))
    dice = FaultDice(seed: seed, plan: faults, only: only)
    let identity = Unmanaged.passUnretained(self).toOpaque()
    hooks.initialize(
      to: gearbox_simulation(
        simulation: identity, enqueue: enqueueFromGlobalPool, random: nextRandomNumber, describe: describeTrap,
        seed: seed))
  }

  deinit { hooks.deallocate() }

  /// How a run ended that did not end well.
  enum Stop {
    /// Nothing is ready and nothing will be: every task waits for another, or for something outside.
    case deadlock
    /// Jobs without end.
    case livelock
    /// More time has passed than was to.
    case timeLimit
    /// More real time has.
    case realTimeLimit
    /// Sleeps have ended and begun again, and nothing else has happened.
    case standstill
    /// An invariant does not hold.
    case violation(Invariant)
    /// Somebody asked for it, from outside.
    case cancelled
  }

  // MARK: Running

  /// Runs jobs on the calling thread until `isDone`.
  ///
  /// - Returns: why it stopped before that; `nil` if it did not.
  func run(until isDone: () -> Bool, isCancelled: () -> Bool = { false }) -> Stop? {
    enter()
    defer { leave() }
    while !isDone() {
      takeFromOutside()
      if let next = turns.next() {
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
      if jobsWithoutPause > 0, jobsWithoutPause % Self.patience == 0, let time = timers.nextTime() {
        // Tasks that yield to each other, perhaps until some time has passed: on a real machine it would.
        if time > limits.time.nanoseconds { return .timeLimit }
        advance(to: time)
      }
      if jobCount % 1024 == 0 {
        if isCancelled() { return .cancelled }
        if gearbox_real_time() > realEnd { return .realTimeLimit }
      }
    }
    return nil
  }

  /// Whether there have been too many ticks since anything else happened, and nothing else is waited for that time alone
  /// brings: no sleep that is under way began before that.
  private var isAtStandstill: Bool {
    guard journal.ticks >= limits.ticksWithoutProgress else { return false }
    if timers.hasTimer(below: journal.timersAtProgress) {
      journal.noteProgress()
      return false
    }
    return true
  }

  /// How many jobs may run before the time goes on although more are ready.
  private static let patience = 100_000

  private func enter() {
    outside.withLock { $0.phase = .during }
    realEnd = MonotonicTime.deadline(after: limits.realTime.nanoseconds, from: gearbox_real_time())
    jobsWithoutPause = 0
    gearbox_enter_simulation(hooks)
    gearbox_set_simulated_time(now)
  }

  private func leave() {
    let hasBeenResumed = gearbox_has_been_resumed_from_outside()
    gearbox_enter_simulation(nil)
    outside.withLock { outside in
      outside.phase = .before
      if hasBeenResumed { outside.hasIntruded = true }
    }
  }

  /// Ends it for good. A job that is left, or that still comes, is never run: its task has outlived all that it could go
  /// on with, and what it would touch is no thread's any more. Nothing gives such a task's memory back.
  func end() {
    outside.withLock { outside in
      outside.phase = .after
      (outside.jobs, outside.requests) = ([], [])
    }
    turns.removeAll()
  }

  /// Drops the journal and the network, which tasks that never run again would keep in memory.
  func forgetIfTasksAreDead() {
    guard owners.hasDead else { return }
    (journal, network, timers, waiting) = (
      Journal(), SimulatedNetwork(simulation: self, faults: dice), TimerHeap(), [:]
    )
  }

  private func run(_ next: Ready) {
    jobCount += 1
    jobsWithoutPause += 1
    switch next {
    case .job(let job):
      let pointer = unsafeBitCast(job, to: UnsafeMutableRawPointer.self)
      let task = gearbox_task_of_job(pointer)
      // Dropped, and with it the task, which is suspended for ever now.
      if owners.isDead(task) { return }
      journal.begin(taskID: task, at: now)
      gearbox_set_running_job(pointer)
      unsafe job.runSynchronously(on: asUnownedTaskExecutor())
      gearbox_set_running_job(nil)
    case .work(let work):
      journal.begin(task: 0, at: now)
      work()
    }
    journal.end()
  }

  private func advance(to time: Int64) {
    now = max(now, time)
    gearbox_set_simulated_time(now)
    journal.begin(task: 0, at: now)
    journal.noteTick(timers: timers.insertedCount)
    while let action = timers.pop(dueAt: now) {
      switch action {
      case .wake(let waiter, let wake): self.wake(waiter, wake)
      case .job(let job, _): turns.append(.job(job))
      case .event(let body): body()
      }
    }
    journal.end()
  }
}

// MARK: - Jobs

extension Simulation: TaskExecutor {
  func enqueue(_ job: consuming ExecutorJob) { take(UnownedJob(job)) }

  private func take(_ job: UnownedJob) {
    if isCurrent { return adopt(job) }
    leaveOutside { $0.jobs.append(job) }
  }

  /// Leaves something for the simulation, unless that is over.
  private func leaveOutside(_ change: (inout Outside) -> Void) {
    outside.withLock { outside in
      switch outside.phase {
      case .before: break
      case .during: outside.hasIntruded = true
      case .after: return
      }
      change(&outside)
      // Releasing what has been left, to `takeFromOutside`.
      hasOutside.store(true, ordering: .releasing)
    }
  }

  /// Takes a job from the simulation's thread, be it one that Swift meant for its own pool.
  fileprivate func adopt(_ job: UnownedJob) {
    owners.claim(job)
    turns.append(.job(job))
  }

  fileprivate func nextRandom() -> UInt64 { random.next() }

  /// Whether the calling thread runs this simulation.
  var isCurrent: Bool { gearbox_is_simulating(Unmanaged.passUnretained(self).toOpaque()) }

  /// Has `work` run between two jobs, in no task.
  func enqueue(work: @escaping () -> Void) { turns.append(.work(work)) }

  /// How many jobs are ready.
  var readyCount: Int { turns.count }

  /// Whether another thread has had a hand in it.
  var hasIntruded: Bool { outside.withLock { $0.hasIntruded } }

  /// Does `request` now, if the calling thread is the simulation's, and else as soon as that looks.
  func perform(_ request: @escaping @Sendable () -> Void) {
    if isCurrent { return request() }
    leaveOutside { $0.requests.append(request) }
  }

  fileprivate func takeFromOutside() {
    guard hasOutside.load(ordering: .acquiring) else { return }
    hasOutside.store(false, ordering: .relaxed)
    let (jobs, requests) = outside.withLock { outside in
      defer { (outside.jobs, outside.requests) = ([], []) }
      return (outside.jobs, outside.requests)
    }
    for request in requests { request() }
    for job in jobs { adopt(job) }
  }
}

extension Simulation {
  /// What was going on when a task trapped, for people.
  fileprivate var lastWords: String {
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

// Not closures: C calls them.
private func describeTrap(_ simulation: UnsafeMutableRawPointer) {
  var text = Unmanaged<Simulation>.fromOpaque(simulation).takeUnretainedValue().lastWords
  text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

private func enqueueFromGlobalPool(_ simulation: UnsafeMutableRawPointer, _ job: UnsafeMutableRawPointer) {
  Unmanaged<Simulation>.fromOpaque(simulation).takeUnretainedValue().adopt(unsafeBitCast(job, to: UnownedJob.self))
}

private func nextRandomNumber(_ simulation: UnsafeMutableRawPointer) -> UInt64 {
  Unmanaged<Simulation>.fromOpaque(simulation).takeUnretainedValue().nextRandom()
}

// What the toolchain lets an executor do, but has not made public yet. Without it `Task.sleep` and Swift's clocks sleep
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

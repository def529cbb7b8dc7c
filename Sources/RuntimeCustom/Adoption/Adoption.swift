import Runtime
@_spi(Experimental) import RuntimeKit
import RuntimePrimitives
import Synchronization

/// The time in which a scheduler's workers run the jobs of tasks that name no executor.
///
/// Such a job must be run as Swift's own pool would run it (`SwiftPool.executor`), which the workers' loop does not do. So
/// the jobs never enter the workers' queues. They wait in `AdoptedJobs`, and the loop does not know of them: where no
/// process is adopted, it costs nothing.
final class Adoption: Sendable {
  private let scheduler: Scheduler
  private let taken = Atomic<Int>(0)

  private init(_ scheduler: Scheduler) { self.scheduler = scheduler }

  /// How many jobs it has been given so far.
  var jobCount: Int { taken.load(ordering: .relaxed) }

  /// The adoption that goes on in this process. One lock for who has it and for what waits, so that a job is either taken
  /// or left to Swift's pool, and none gets lost in between.
  private static let current = Lock<Current?>(nil)

  // Not private: in a struct that is stored in another file, the compiler (6.3.1) loses track of a private type.
  struct Current {
    let adoption: Adoption
    var jobs: AdoptedJobs<UnownedJob>

    /// - Returns: whether a shift is needed.
    mutating func take(_ job: UnownedJob) -> Bool {
      let count = adoption.taken.load(ordering: .relaxed)  // Written under the lock only.
      adoption.taken.store(count + 1, ordering: .relaxed)
      return jobs.append(job, .init(job.priority))
    }
  }

  // MARK: Beginning and ending

  /// Has `scheduler` run the process from now on.
  ///
  /// - Parameter isOver: whether the scheduler is about to stop. Asked while the adoption can neither begin nor end.
  static func begin(on scheduler: Scheduler, unless isOver: () -> Bool) throws(AdoptionRefused) -> Adoption {
    try current.withLock { current throws(AdoptionRefused) in
      if isOver() { throw .shutDown }
      guard current == nil else { throw .alreadyAdopted }
      // A job is one pointer.
      guard
        SwiftPool.offerJobs(
          to: { Adoption.take(unsafeBitCast($0, to: UnownedJob.self)) },
          sleeps: { Adoption.take(unsafeBitCast($0, to: UnownedJob.self), at: $1) })
      else {
        throw .unsupported
      }
      let adoption = Adoption(scheduler)
      current = Current(adoption: adoption, jobs: AdoptedJobs(width: scheduler.workers.count))
      return adoption
    }
  }

  /// Gives the process back, if this has it still. What waits goes on in Swift's own pool; what runs is not disturbed.
  func end() { Self.end { $0 === self } }

  /// Gives the process back if `scheduler` has it.
  static func end(on scheduler: Scheduler) { end { $0.scheduler === scheduler } }

  private static func end(if isMeant: (Adoption) -> Bool) {
    var rest = current.withLock { current -> AdoptedJobs<UnownedJob>? in
      guard let now = current, isMeant(now.adoption) else { return nil }
      current = nil
      _ = SwiftPool.offerJobs(to: nil, sleeps: nil)
      return now.jobs
    }
    while let job = rest?.next() { SwiftPool.enqueue(job) }
  }

  /// How many jobs wait for a worker of `scheduler`.
  static func depth(on scheduler: Scheduler) -> Int {
    current.withLock { current in
      guard let current, current.adoption.scheduler === scheduler else { return 0 }
      return current.jobs.count
    }
  }

  // MARK: Jobs

  /// Takes a job from whatever thread has made it ready, unless the process has been given back.
  private static func take(_ job: UnownedJob) -> Bool {
    TaskWatch.willQueue(job)
    let (isTaken, inNeed) = current.withLock { current -> (Bool, Adoption?) in
      guard let needsShift = current?.take(job) else { return (false, nil) }
      return (true, needsShift ? current?.adoption : nil)
    }
    inNeed?.askForShift()
    return isTaken
  }

  /// Takes what ends a sleep at `deadline`: it waits among the sleeps of a worker, which are not lost when the runtime ends.
  private static func take(_ job: UnownedJob, at deadline: Int64) -> Bool {
    guard let scheduler = current.withLock({ $0?.adoption.scheduler }) else { return false }
    (scheduler.currentWorker ?? scheduler.someWorker).sleeps.run(job, at: deadline)
    return true
  }

  /// Has one more worker come. A job without a task, since a job that is run inside a task would be taken for that task's.
  private func askForShift() {
    scheduler.enqueue(_swift_createJobForTestingOnly { [self] in runShift() })
  }

  /// Runs jobs for a worker's turn, so that the worker's other jobs have theirs.
  private func runShift() {
    let (first, needsShift) = beginShift() ?? (nil, false)
    if needsShift { askForShift() }
    guard var job = first else { return }
    // A relief worker looks after each job whether it is needed still. It has its own counters, which count the shift.
    guard let worker = scheduler.currentWorker else { return unsafe job.runSynchronously(on: SwiftPool.executor) }
    var turn = WorkerTurn()
    while true {
      // As the loop does: so the watchdog sees that the worker gets on, and knows the task that it does not get on with.
      worker.lane.counters.hasTaken(job)
      unsafe job.runSynchronously(on: SwiftPool.executor)
      guard !turn.isOver(), let next = nextJob() else { return }
      job = next
    }
  }

  // Both `nil` once the process has been given back, perhaps to be adopted anew.

  private func beginShift() -> (job: UnownedJob?, needsShift: Bool)? {
    Self.current.withLock { $0?.adoption === self ? $0?.jobs.beginShift() : nil }
  }

  private func nextJob() -> UnownedJob? {
    Self.current.withLock { $0?.adoption === self ? $0?.jobs.next() : nil }
  }
}

import Runtime
@_spi(Experimental) import RuntimeKit
import RuntimePrimitives
import Synchronization

/// The period in which a scheduler's workers run the jobs of tasks without an executor preference.
///
/// Such a job must run as on Swift's own pool (`SwiftPool.executor`), which the workers' loop does not do. Therefore
/// these jobs never enter the workers' queues. They wait in `AdoptedJobs`, which the loop does not know of, so that
/// they cost nothing unless a process is adopted.
final class Adoption: Sendable {
  private let scheduler: Scheduler
  private let taken = Atomic<Int>(0)

  private init(_ scheduler: Scheduler) { self.scheduler = scheduler }

  /// The number of jobs received so far.
  var jobCount: Int { taken.load(ordering: .relaxed) }

  /// The current adoption of this process. One lock guards the owner and its queue, so a job is either taken or left to
  /// Swift's pool and none is lost.
  private static let current = Lock<Current?>(nil)

  // Not private: with a private type in a struct stored in another file, the compiler (6.3.1) fails.
  struct Current {
    let adoption: Adoption
    var jobs: AdoptedJobs<UnownedJob>

    /// Queues a job.
    ///
    /// - Returns: whether the caller has to request a shift.
    mutating func take(_ job: UnownedJob) -> Bool {
      let count = adoption.taken.load(ordering: .relaxed)  // Relaxed: written under the lock only.
      adoption.taken.store(count + 1, ordering: .relaxed)
      return jobs.append(job, .init(job.priority))
    }
  }

  // MARK: Begin and end

  /// Makes `scheduler` run the jobs of the process.
  ///
  /// - Parameter isOver: whether the scheduler is about to stop. It is called under the lock, while no adoption can
  ///   begin or end.
  static func begin(on scheduler: Scheduler, unless isOver: () -> Bool) throws(AdoptionRefused) -> Adoption {
    try current.withLock { current throws(AdoptionRefused) in
      if isOver() { throw .shutDown }
      guard current == nil else { throw .alreadyAdopted }
      // A job is a single pointer.
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

  /// Ends this adoption, if it is current. Waiting jobs move to Swift's own pool; running jobs are not affected.
  func end() { Self.end { $0 === self } }

  /// Ends the current adoption if it belongs to `scheduler`.
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

  /// Returns the number of jobs that wait for a worker of `scheduler`.
  static func depth(on scheduler: Scheduler) -> Int {
    current.withLock { current in
      guard let current, current.adoption.scheduler === scheduler else { return 0 }
      return current.jobs.count
    }
  }

  // MARK: Jobs

  /// Takes a job on the thread that has made it ready, unless the adoption has ended.
  private static func take(_ job: UnownedJob) -> Bool {
    TaskWatch.willQueue(job)
    let (isTaken, inNeed) = current.withLock { current -> (Bool, Adoption?) in
      guard let needsShift = current?.take(job) else { return (false, nil) }
      return (true, needsShift ? current?.adoption : nil)
    }
    inNeed?.askForShift()
    return isTaken
  }

  /// Takes a job that ends a sleep at `deadline`. It waits in a worker's sleep queue, which still fires jobs after the
  /// runtime has ended.
  private static func take(_ job: UnownedJob, at deadline: Int64) -> Bool {
    guard let scheduler = current.withLock({ $0?.adoption.scheduler }) else { return false }
    (scheduler.currentWorker ?? scheduler.someWorker).sleeps.run(job, at: deadline)
    return true
  }

  /// Requests a shift. It is a job without a task, since a job that runs inside a task would be attributed to that
  /// task.
  private func askForShift() {
    scheduler.enqueue(_swift_createJobForTestingOnly { [self] in runShift() })
  }

  /// Runs jobs for one turn of a worker, so that the worker's other jobs are not delayed longer.
  private func runShift() {
    let (first, needsShift) = beginShift() ?? (nil, false)
    if needsShift { askForShift() }
    guard var job = first else { return }
    // A relief worker runs a single job, because it checks after each one whether it is still needed. Its own counters
    // count the shift.
    guard let worker = scheduler.currentWorker else { return unsafe job.runSynchronously(on: SwiftPool.executor) }
    var turn = WorkerTurn()
    while true {
      // Like the worker's loop, so that the watchdog sees progress, and knows the task if there is none.
      worker.lane.counters.hasTaken(job)
      unsafe job.runSynchronously(on: SwiftPool.executor)
      guard !turn.isOver(), let next = nextJob() else { return }
      job = next
    }
  }

  // Both return `nil` if the adoption has ended, even if another one has begun.

  private func beginShift() -> (job: UnownedJob?, needsShift: Bool)? {
    Self.current.withLock { $0?.adoption === self ? $0?.jobs.beginShift() : nil }
  }

  private func nextJob() -> UnownedJob? {
    Self.current.withLock { $0?.adoption === self ? $0?.jobs.next() : nil }
  }
}

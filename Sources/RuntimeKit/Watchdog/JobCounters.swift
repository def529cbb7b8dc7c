import Runtime
public import Synchronization

/// Counters of a thread that runs jobs, and its current job. Only that thread writes; any thread may read.
@frozen
public struct JobCounters: ~Copyable, Sendable {
  @usableFromInline let jobCount = Atomic<Int>(0)
  @usableFromInline let stolenCount = Atomic<Int>(0)
  @usableFromInline let parkCount = Atomic<Int>(0)
  @usableFromInline let job = Atomic<UInt>(0)
  private let busyNanoseconds = Atomic<Int64>(0)
  private let jobNanoseconds = Atomic<Int64>(0)
  /// The lane's number.
  @usableFromInline let lane: UInt32

  // All accesses are relaxed. Counters have one writer, so they use a load and a store instead of an exchange. Each
  // value is exact on its own and orders nothing else.

  /// Creates counters of zero for the lane with that name.
  init(laneNamed name: String) { lane = LaneNames.add(name) }

  deinit {
    LaneNames.remove(lane)
  }

  /// The number of jobs started.
  @inlinable public var jobs: Int { jobCount.load(ordering: .relaxed) }
  /// The number of jobs taken from other workers' queues.
  @inlinable public var stolen: Int { stolenCount.load(ordering: .relaxed) }
  /// The number of times that the thread went to sleep.
  @inlinable public var parks: Int { parkCount.load(ordering: .relaxed) }

  /// The address of the last started job, which is that of its task if it has one; 0 for none. The job may have ended,
  /// so the address must only be compared.
  @inlinable public var lastJob: UInt { job.load(ordering: .relaxed) }

  /// Counts a job that is about to run.
  @inlinable
  public func hasTaken(_ job: UnownedJob) {
    jobCount.store(jobs &+ 1, ordering: .relaxed)
    // A job is a single pointer.
    switchJob(to: unsafeBitCast(job, to: UInt.self))
  }

  /// Records that no job is running.
  @inlinable public func hasNoJob() { switchJob(to: 0) }

  @inlinable
  func switchJob(to next: UInt) {
    if TaskTable.isWatched { TaskTable.switchJobs(from: lastJob, to: next, in: lane) }
    job.store(next, ordering: .relaxed)
  }

  /// Counts jobs taken from another worker's queue.
  @inlinable public func hasStolen(_ count: Int) { stolenCount.store(stolen &+ count, ordering: .relaxed) }
  /// How long there have been jobs, as sampled by the watchdog.
  public var busyTime: Duration { .nanoseconds(busyNanoseconds.load(ordering: .relaxed)) }

  /// Adds to the busy time. Only the watchdog's thread calls it.
  func addBusyTime(_ nanoseconds: Int64) {
    busyNanoseconds.store(busyNanoseconds.load(ordering: .relaxed) + nanoseconds, ordering: .relaxed)
  }

  /// How long the current job has been running, as last sampled by the watchdog; 0 below the sampling interval.
  public var jobAge: Duration { .nanoseconds(jobNanoseconds.load(ordering: .relaxed)) }

  /// Records how long the current job has been running. Only the watchdog's thread calls it.
  func setJobAge(_ nanoseconds: Int64) { jobNanoseconds.store(nanoseconds, ordering: .relaxed) }

  /// Counts a sleep that is about to begin.
  @inlinable public func hasParked() { parkCount.store(parks &+ 1, ordering: .relaxed) }
}

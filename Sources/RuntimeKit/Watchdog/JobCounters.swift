import Runtime
public import Synchronization

/// What a thread that runs jobs has done so far, and the job it runs. Only that thread writes; any thread may read.
@frozen
public struct JobCounters: ~Copyable, Sendable {
  @usableFromInline let jobCount = Atomic<Int>(0)
  @usableFromInline let stolenCount = Atomic<Int>(0)
  @usableFromInline let parkCount = Atomic<Int>(0)
  @usableFromInline let job = Atomic<UInt>(0)
  private let busyNanoseconds = Atomic<Int64>(0)
  private let jobNanoseconds = Atomic<Int64>(0)
  /// The number of the lane.
  @usableFromInline let lane: UInt32

  // Relaxed throughout, and a load and a store where a counter of several writers would need an exchange: each figure is
  // right by itself and orders nothing else.

  /// Nothing done yet in the lane of that name.
  init(laneNamed name: String) { lane = LaneNames.add(name) }

  deinit {
    LaneNames.remove(lane)
  }

  /// How many jobs it has taken up.
  @inlinable public var jobs: Int { jobCount.load(ordering: .relaxed) }
  /// How many of its jobs it took from other workers' queues.
  @inlinable public var stolen: Int { stolenCount.load(ordering: .relaxed) }
  /// How often it has gone to sleep.
  @inlinable public var parks: Int { parkCount.load(ordering: .relaxed) }

  /// The address of the job that was begun last, which is that of its task if it has one; 0 for none. The job may have
  /// ended by now, so the address is good for comparisons only.
  @inlinable public var lastJob: UInt { job.load(ordering: .relaxed) }

  /// Counts a job that is about to run.
  @inlinable
  public func hasTaken(_ job: UnownedJob) {
    jobCount.store(jobs &+ 1, ordering: .relaxed)
    // A job is one pointer.
    begin(unsafeBitCast(job, to: UInt.self))
  }

  /// Says that it is in no job.
  @inlinable public func hasNoJob() { begin(0) }

  @inlinable
  func begin(_ next: UInt) {
    if TaskTable.isWatched { TaskTable.switchJobs(from: lastJob, to: next, in: lane) }
    job.store(next, ordering: .relaxed)
  }

  /// Counts jobs that it has taken from another worker's queue.
  @inlinable public func hasStolen(_ count: Int) { stolenCount.store(stolen &+ count, ordering: .relaxed) }
  /// For how long there have been jobs, as far as the watchdog's looks can tell.
  public var busyTime: Duration { .nanoseconds(busyNanoseconds.load(ordering: .relaxed)) }

  /// Counts so many nanoseconds more in which there were jobs. The watchdog's thread only.
  func hasBeenBusy(for nanoseconds: Int64) {
    busyNanoseconds.store(busyNanoseconds.load(ordering: .relaxed) + nanoseconds, ordering: .relaxed)
  }

  /// For how long it has been in its job, as far as the watchdog's last look can tell; 0 if that is no longer than a look.
  public var jobAge: Duration { .nanoseconds(jobNanoseconds.load(ordering: .relaxed)) }

  /// Notes for how many nanoseconds it has been in its job. The watchdog's thread only.
  func hasBeenInJob(for nanoseconds: Int64) { jobNanoseconds.store(nanoseconds, ordering: .relaxed) }

  /// Counts a sleep that is about to begin.
  @inlinable public func hasParked() { parkCount.store(parks &+ 1, ordering: .relaxed) }
}

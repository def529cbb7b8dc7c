/// A queue of adopted jobs, and the *shifts* in which workers run them.
///
/// A shift is a job of the pool, so it is queued, wakes workers and can be stolen like any other. The number of pending
/// shifts equals the number of waiting jobs, but does not exceed the number of workers. So an idle worker finds a
/// waiting job even if the workers in the middle of a shift are in long jobs.
struct AdoptedJobs<Job> {
  private var jobs = AgeingQueue<Job>()
  /// The number of requested shifts that have not begun.
  private var awaitedShifts = 0
  private let width: Int

  /// Creates an empty queue.
  ///
  /// - Parameter width: the maximum number of useful pending shifts.
  init(width: Int) { self.width = width }

  /// The number of waiting jobs.
  var count: Int { jobs.count }

  /// Appends a job.
  ///
  /// - Returns: whether the caller has to request a shift.
  mutating func append(_ job: Job, _ urgency: AgeingQueue<Job>.Urgency) -> Bool {
    jobs.append(job, urgency)
    return asksForShift()
  }

  /// Begins a requested shift.
  ///
  /// - Returns: its first job, if there is one left, and whether the caller has to request another shift.
  mutating func beginShift() -> (job: Job?, needsShift: Bool) {
    awaitedShifts -= 1
    let job = jobs.popFirst()
    return (job, asksForShift())
  }

  /// Returns the next job of a shift. The pending shifts suffice for the remaining jobs.
  mutating func next() -> Job? { jobs.popFirst() }

  private mutating func asksForShift() -> Bool {
    guard awaitedShifts < min(jobs.count, width) else { return false }
    awaitedShifts += 1
    return true
  }
}

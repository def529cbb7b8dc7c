/// The jobs that wait for workers which have other jobs as well, and the *shifts* in which those come to run them.
///
/// A shift is a job of the pool's own, so that it queues up, wakes workers and is stolen as any other. There are as many
/// shifts on their way as jobs, but no more than workers. So what waits is found by a worker that has nothing to do,
/// though those that are in the middle of a shift may be in a job for long.
struct AdoptedJobs<Job> {
  private var jobs = AgeingQueue<Job>()
  /// How many shifts have been asked for and have not begun.
  private var awaitedShifts = 0
  private let width: Int

  /// - Parameter width: how many shifts are of use at once.
  init(width: Int) { self.width = width }

  /// How many jobs wait.
  var count: Int { jobs.count }

  /// Adds a job.
  ///
  /// - Returns: whether one more shift is to be asked for.
  mutating func append(_ job: Job, _ urgency: AgeingQueue<Job>.Urgency) -> Bool {
    jobs.append(job, urgency)
    return asksForShift()
  }

  /// Begins a shift that had been asked for.
  ///
  /// - Returns: its first job, if there is one left, and whether one more shift is to be asked for in its place.
  mutating func beginShift() -> (job: Job?, needsShift: Bool) {
    awaitedShifts -= 1
    let job = jobs.popFirst()
    return (job, asksForShift())
  }

  /// Takes the next job of a shift. The shifts that have been asked for are enough for what is left.
  mutating func next() -> Job? { jobs.popFirst() }

  private mutating func asksForShift() -> Bool {
    guard awaitedShifts < min(jobs.count, width) else { return false }
    awaitedShifts += 1
    return true
  }
}

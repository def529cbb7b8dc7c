import Testing

@testable import RuntimeCustom

@Suite struct AdoptedJobsTests {
  /// A reference, so that an expectation can change the jobs.
  private final class Jobs {
    private var jobs: AdoptedJobs<Int>
    init(width: Int) { jobs = AdoptedJobs(width: width) }

    var count: Int { jobs.count }
    /// - Returns: whether the caller must request one more shift.
    func append(_ job: Int) -> Bool { jobs.append(job, .medium) }
    func beginShift() -> (job: Int?, needsShift: Bool) { jobs.beginShift() }
    func next() -> Int? { jobs.next() }
  }

  @Test func `A lone job requests one shift`() {
    let jobs = Jobs(width: 2)
    #expect(jobs.append(1))
    let (job, needsShift) = jobs.beginShift()
    #expect(job == 1)
    #expect(!needsShift)
    #expect(jobs.next() == nil)
  }

  @Test func `Two tasks that wake each other request one more shift, and not two`() {
    let jobs = Jobs(width: 2)
    _ = jobs.append(0)
    _ = jobs.beginShift()
    #expect(jobs.append(1), "the running shift may be in a long job")
    for number in 1...50 {
      #expect(jobs.next() == number)
      #expect(!jobs.append(number + 1))
    }
  }

  @Test func `There are at most as many pending shifts as workers`() {
    let jobs = Jobs(width: 3)
    #expect((1...10).map { jobs.append($0) } == [true, true, true] + Array(repeating: false, count: 7))
  }

  @Test func `A shift that begins requests another one as long as jobs are left`() {
    let jobs = Jobs(width: 1)
    for number in 1...3 { _ = jobs.append(number) }
    for number in 1...3 {
      let (job, needsShift) = jobs.beginShift()
      #expect(job == number)
      #expect(needsShift == (number < 3))
    }
  }

  @Test func `In any order of events, waiting jobs have pending shifts`() {
    var random = SystemRandomNumberGenerator()
    for width in 1...4 {
      let jobs = Jobs(width: width)
      var awaited = 0
      for number in 0..<10_000 {
        switch Int.random(in: 0..<3, using: &random) {
        case 0: awaited += jobs.append(number) ? 1 : 0
        case 1 where awaited > 0: awaited += jobs.beginShift().needsShift ? 0 : -1
        default: _ = jobs.next()
        }
        #expect(awaited >= min(jobs.count, width))
        #expect(awaited <= width)
      }
    }
  }
}

import Testing

@testable import RuntimeCustom

@Suite struct AdoptedJobsTests {
  /// Behind a reference, so that an expectation can change them.
  private final class Jobs {
    private var jobs: AdoptedJobs<Int>
    init(width: Int) { jobs = AdoptedJobs(width: width) }

    var count: Int { jobs.count }
    /// - Returns: whether one more shift is to be asked for.
    func append(_ job: Int) -> Bool { jobs.append(job, .medium) }
    func beginShift() -> (job: Int?, needsShift: Bool) { jobs.beginShift() }
    func next() -> Int? { jobs.next() }
  }

  @Test func `A job that is alone has one shift asked for`() {
    let jobs = Jobs(width: 2)
    #expect(jobs.append(1))
    let (job, needsShift) = jobs.beginShift()
    #expect(job == 1)
    #expect(!needsShift)
    #expect(jobs.next() == nil)
  }

  @Test func `Two tasks that wake each other ask for one shift more, and no second`() {
    let jobs = Jobs(width: 2)
    _ = jobs.append(0)
    _ = jobs.beginShift()
    #expect(jobs.append(1), "the shift that goes on may be in a job for long")
    for number in 1...50 {
      #expect(jobs.next() == number)
      #expect(!jobs.append(number + 1))
    }
  }

  @Test func `There are no more shifts on their way than workers`() {
    let jobs = Jobs(width: 3)
    #expect((1...10).map { jobs.append($0) } == [true, true, true] + Array(repeating: false, count: 7))
  }

  @Test func `A shift that begins has another one come as long as jobs are left`() {
    let jobs = Jobs(width: 1)
    for number in 1...3 { _ = jobs.append(number) }
    for number in 1...3 {
      let (job, needsShift) = jobs.beginShift()
      #expect(job == number)
      #expect(needsShift == (number < 3))
    }
  }

  @Test func `Whatever happens, what waits has shifts on their way`() {
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

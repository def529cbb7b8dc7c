import Glibc
import Runtime
import Testing

extension ModelTests {
  /// Model tests of the workers' whole loop, with jobs from inside and outside while workers fall asleep. They look for
  /// lost wakes, after which a job waits and all workers sleep.
  @Suite struct SchedulerModelTests {
    /// The interruptions and old values to try in an execution, in addition to what a test says: `MODEL_BUDGET`, less
    /// one in a debug build, which is slow. One more takes about fifty times as long.
    static let extraBudget: Int = {
      var isDebug = false
      assert(
        {
          isDebug = true
          return true
        }())
      return (getenv("MODEL_BUDGET").flatMap { Int(String(cString: $0)) } ?? 0) - (isDebug ? 1 : 0)
    }()

    /// The jobs of a test that have run, each at most once.
    final class Done {
      private(set) var numbers: Set<Int> = []
      var count: Int { numbers.count }

      func job(_ number: Int, _ body: @escaping () -> Void = {}) -> UnownedJob {
        UnownedJob(number: number) {
          if !self.numbers.insert(number).inserted { let _: Never? = Model.current.fail("job \(number) runs twice") }
          body()
        }
      }
    }

    /// Explores `workers` idle workers, and a thread that runs `body`, which starts `count` jobs.
    ///
    /// - Parameter spawnOthers: adds more threads.
    static func explore(
      workers: Int, budget: Int, jobs count: Int, stealsWork: Bool = true, stalls: StallOptions? = nil,
      spawnOthers: @escaping (Scheduler, Model) -> Void = { _, _ in }, body: @escaping (Scheduler, Done) -> Void
    ) async throws {
      try await Model.explore(budget: max(0, budget + extraBudget)) { model in
        let done = Done()
        guard let scheduler = try? Scheduler(workers: workers, poller: .epoll, stealsWork: stealsWork, stalls: stalls)
        else {
          return { "there is no scheduler" }
        }
        try? scheduler.start()
        spawnOthers(scheduler, model)
        model.spawn("outside") {
          body(scheduler, done)
          model.wait { done.count == count }
          scheduler.stop(deadline: .max)
        }
        return { nil }
      }
    }

    @Test(arguments: [true, false])
    func `A job that comes from outside as the only worker falls asleep`(stealsWork: Bool) async throws {
      try await Self.explore(workers: 1, budget: 3, jobs: 1, stealsWork: stealsWork) { scheduler, done in
        scheduler.enqueue(done.job(1))
      }
    }

    @Test(arguments: [true, false])
    func `A job that comes from outside as two workers fall asleep`(stealsWork: Bool) async throws {
      try await Self.explore(workers: 2, budget: 1, jobs: 1, stealsWork: stealsWork) { scheduler, done in
        scheduler.enqueue(done.job(1))
      }
    }

    @Test(arguments: [true, false])
    func `Jobs that come from outside, one after another`(stealsWork: Bool) async throws {
      try await Self.explore(workers: 2, budget: 1, jobs: 2, stealsWork: stealsWork) { scheduler, done in
        scheduler.enqueue(done.job(1))
        scheduler.enqueue(done.job(2))
      }
    }

    @Test func `A job whose worker is busy until it has run`() async throws {
      try await Self.explore(workers: 2, budget: 1, jobs: 2) { scheduler, done in
        scheduler.enqueue(
          done.job(1) {
            scheduler.enqueue(done.job(2))
            Model.current.wait { done.count == 2 }
          })
      }
    }

    @Test func `Two jobs whose worker is busy until they have run`() async throws {
      try await Self.explore(workers: 2, budget: 1, jobs: 3) { scheduler, done in
        scheduler.enqueue(
          done.job(1) {
            scheduler.enqueue(done.job(2))
            scheduler.enqueue(done.job(3))
            Model.current.wait { done.count == 3 }
          })
      }
    }

    @Test func `However slow jobs are, each has its turn before others have two`() async throws {
      // On the model's clock, each job lasts longer than a worker's time slice. Some jobs wait in the worker's own
      // queue, and the rest in the shared one.
      let (count, rounds) = (3 * Int(JobSlots.capacity), 4)
      try await Self.explore(workers: 1, budget: 0, jobs: 1 + count * rounds) { scheduler, done in
        var turns = 0
        var lastTurns = [Int](repeating: 0, count: count)
        func enqueue(_ number: Int, _ round: Int) {
          scheduler.enqueue(
            done.job(1 + number * rounds + round) {
              let wait = turns - lastTurns[number]
              if wait >= 2 * count { let _: Never? = Model.current.fail("job \(number) has waited for \(wait) others") }
              lastTurns[number] = turns
              turns += 1
              if round + 1 < rounds { enqueue(number, round + 1) }
            })
        }
        scheduler.enqueue(done.job(0) { for number in 0..<count { enqueue(number, 0) } })
      }
    }

    @Test func `More jobs than a queue holds`() async throws {
      try await Self.explore(workers: 2, budget: 1, jobs: 6) { scheduler, done in
        scheduler.enqueue(
          done.job(1) { for number in 2...6 { scheduler.enqueue(done.job(number)) } })
      }
    }
  }
}

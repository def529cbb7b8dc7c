import Runtime
import Testing

extension ModelTests {
  /// Model tests of the watchdog beside workers that get stuck, fall asleep and wake. It polls for them, and makes
  /// relief workers run what waits. The tests look for wakes that are lost, jobs that are lost or run twice, and
  /// threads that do not end.
  ///
  /// The tests found each of these faults when it was planted in the code: a worker decides to sleep before it takes
  /// the lock for polling; the watchdog polls without that lock; the watchdog falls asleep without another look at the
  /// lanes; a relief worker keeps stolen jobs beyond the one that it runs, or does not leave its lane; the lane of a
  /// relief worker that has ended is not used again. They have not found these: a missing fence where the watchdog
  /// falls asleep or where a lane is entered, and a lane whose ring leaves no mark.
  @Suite struct WatchdogModelTests {
    /// Explores `workers` workers, a watchdog that polls for the first of them `times` times, at any moments, and a
    /// thread that runs `body`.
    private func exploreCover(
      workers: Int, times: Int, budget: Int, jobs count: Int,
      _ body: @escaping (Scheduler, SchedulerModelTests.Done) -> Void
    ) async throws {
      try await SchedulerModelTests.explore(
        workers: workers, budget: budget, jobs: count,
        spawnOthers: { scheduler, model in model.spawn("cover") { for _ in 0..<times { scheduler.cover(0) } } },
        body: body)
    }

    @Test func `A poll for the only worker as it falls asleep does not take its alarm away`() async throws {
      try await exploreCover(workers: 1, times: 2, budget: 2, jobs: 1) { scheduler, done in
        scheduler.enqueue(done.job(1))
      }
    }

    @Test func `A poll for one of two workers as they fall asleep`() async throws {
      try await exploreCover(workers: 2, times: 1, budget: 1, jobs: 1) { scheduler, done in
        scheduler.enqueue(done.job(1))
      }
    }

    /// A lane that is entered and then stays busy, and nothing else.
    private final class Standstill: WatchedScheduler, @unchecked Sendable {  // One thread of the model runs at a time.
      let lanes: [Lane]
      let hasWaitingJobs = false
      private(set) var isCovered = false

      init(_ watchdog: Watchdog) { lanes = [Lane("worker 0", watchdog)] }

      func cover(_ lane: Int) { isCovered = true }
      func relieve(in lane: Lane, while isNeeded: () -> Bool) {}
    }

    @Test func `A lane that is entered as the watchdog falls asleep is covered`() async throws {
      try await Model.explore(budget: 2) { model in
        let watchdog = Watchdog(runtime: "model", StallOptions())
        let standstill = Standstill(watchdog)
        try? watchdog.start(standstill)
        model.spawn("worker") {
          standstill.lanes[0].enter()
          Model.current.wait { standstill.isCovered }
          standstill.lanes[0].leave()
          watchdog.stop(deadline: .max)
        }
        return { nil }
      }
    }

    /// Explores `workers` workers with a watchdog and up to `relief` relief workers, and a thread that runs `body`.
    private func exploreRelief(
      workers: Int, relief: Int, budget: Int, jobs count: Int,
      _ body: @escaping (Scheduler, SchedulerModelTests.Done) -> Void
    ) async throws {
      var stalls = StallOptions()
      stalls.maximumReliefWorkers = relief
      try await SchedulerModelTests.explore(
        workers: workers, budget: budget, jobs: count, stalls: stalls, body: body)
    }

    @Test func `A job that comes while the only worker is stuck is run by a relief worker`() async throws {
      try await exploreRelief(workers: 1, relief: 1, budget: 1, jobs: 2) { scheduler, done in
        scheduler.enqueue(done.job(1) { Model.current.wait { done.count == 2 } })
        scheduler.enqueue(done.job(2))
      }
    }

    @Test func `A worker that gets stuck as the watchdog falls asleep is relieved`() async throws {
      try await exploreRelief(workers: 1, relief: 1, budget: 1, jobs: 3) { scheduler, done in
        scheduler.enqueue(done.job(1))
        Model.current.wait { done.count == 1 }
        scheduler.enqueue(done.job(2) { Model.current.wait { done.count == 3 } })
        scheduler.enqueue(done.job(3))
      }
    }

    @Test func `Jobs that a worker has queued before it got stuck are run by a relief worker`() async throws {
      try await exploreRelief(workers: 1, relief: 1, budget: 1, jobs: 4) { scheduler, done in
        scheduler.enqueue(
          done.job(1) {
            for number in 2...4 { scheduler.enqueue(done.job(number)) }
            Model.current.wait { done.count == 4 }
          })
      }
    }

    @Test func `A relief worker that gets stuck is relieved by the next`() async throws {
      try await exploreRelief(workers: 1, relief: 2, budget: 0, jobs: 3) { scheduler, done in
        scheduler.enqueue(done.job(1) { Model.current.wait { done.count == 3 } })
        scheduler.enqueue(done.job(2) { Model.current.wait { done.count == 3 } })
        scheduler.enqueue(done.job(3))
      }
    }

    @Test func `Relief goes when its worker gets on, and comes again`() async throws {
      try await exploreRelief(workers: 1, relief: 1, budget: 0, jobs: 4) { scheduler, done in
        scheduler.enqueue(done.job(1) { Model.current.wait { done.count == 2 } })
        scheduler.enqueue(done.job(2))
        Model.current.wait { done.count == 2 }
        scheduler.enqueue(done.job(3) { Model.current.wait { done.count == 4 } })
        scheduler.enqueue(done.job(4))
      }
    }
  }
}

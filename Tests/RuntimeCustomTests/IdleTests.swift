import Testing

@testable import RuntimeCustom

@Suite struct IdleTests {
  private final class Pool {
    private let idle: Idle
    init(_ count: Int) { idle = Idle(workerCount: count) }

    /// - Returns: whether the worker must search once more.
    func sleep(_ worker: Int, isSearching: Bool) -> Bool {
      idle.sleep(worker, isSearching: isSearching, mayDoze: false).mustRecheck
    }
    /// - Returns: whether the worker is to poll from time to time.
    func doze(_ worker: Int) -> Bool { idle.sleep(worker, isSearching: false, mayDoze: true).dozes }
    func wake(_ worker: Int, dozed: Bool = false) -> Bool { idle.wake(worker, dozed: dozed) }
    func wakeOne(isLone: Bool = false) -> Int? { idle.wakeOne(isLone: isLone) }
    func beginSearch() -> Bool { idle.beginSearch() }
    func endSearch() -> Bool { idle.endSearch() }
  }

  @Test func `No worker is woken while all are awake`() {
    let pool = Pool(4)
    #expect(pool.wakeOne() == nil)
  }

  @Test func `One sleeping worker is woken for new work, and no second while it searches`() {
    let pool = Pool(4)
    #expect(!pool.sleep(2, isSearching: false))
    #expect(!pool.sleep(1, isSearching: false))
    #expect(pool.wakeOne() == 1)
    #expect(pool.wakeOne() == nil)
    #expect(pool.wake(1), "worker 1 was picked, and searches")
    #expect(pool.endSearch(), "the last searcher wakes the next")
    #expect(pool.wakeOne() == 2)
  }

  @Test func `A worker that wakes by itself is not searching and cannot be picked`() {
    let pool = Pool(2)
    #expect(!pool.sleep(0, isSearching: false))
    #expect(!pool.wake(0))
    #expect(pool.wakeOne() == nil)
  }

  @Test func `At most half of the workers search, and the last one to give up must search again`() {
    let pool = Pool(4)
    #expect(pool.beginSearch())
    #expect(pool.beginSearch())
    #expect(!pool.beginSearch())
    #expect(!pool.sleep(0, isSearching: true))
    #expect(pool.sleep(1, isSearching: true))
  }

  @Test func `One sleeper dozes as long as others are awake, and a lone job does not wake it`() {
    let pool = Pool(3)
    #expect(pool.doze(0))
    #expect(!pool.doze(1), "only one worker dozes")
    #expect(pool.wakeOne(isLone: true) == nil)
    #expect(pool.wakeOne() == 1)
    #expect(pool.endSearch())
    #expect(pool.wakeOne(isLone: true) == nil, "worker 0 still dozes")
    #expect(!pool.wake(0, dozed: true), "worker 0 wakes by itself")
    #expect(!pool.sleep(0, isSearching: false))
    #expect(pool.wakeOne(isLone: true) == 0, "no other worker would find the job")
  }

  @Test func `The last worker to fall asleep does not doze, as no other worker has jobs to take`() {
    let pool = Pool(2)
    #expect(pool.doze(0))
    #expect(!pool.wake(0, dozed: true))
    #expect(!pool.sleep(1, isSearching: false))
    #expect(!pool.doze(0))
  }
}

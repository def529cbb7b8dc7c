import Testing

@testable import RuntimeCustom

@Suite struct IdleTests {
  private final class Pool {
    private let idle: Idle
    init(_ count: Int) { idle = Idle(workerCount: count) }

    func sleep(_ worker: Int, isSearching: Bool) -> Bool { idle.sleep(worker, isSearching: isSearching) }
    func rise(_ worker: Int) -> Bool { idle.rise(worker) }
    func wakeOne() -> Int? { idle.wakeOne() }
    func beginSearch() -> Bool { idle.beginSearch() }
    func endSearch() -> Bool { idle.endSearch() }
  }

  @Test func `Nobody is woken while all are awake`() {
    let pool = Pool(4)
    #expect(pool.wakeOne() == nil)
  }

  @Test func `One sleeper is woken for new work, and no second while it searches`() {
    let pool = Pool(4)
    #expect(!pool.sleep(2, isSearching: false))
    #expect(!pool.sleep(1, isSearching: false))
    #expect(pool.wakeOne() == 1)
    #expect(pool.wakeOne() == nil)
    #expect(pool.rise(1), "it was picked, and searches")
    #expect(pool.endSearch(), "the last searcher, which wakes the next")
    #expect(pool.wakeOne() == 2)
  }

  @Test func `A worker that rises by itself is not searching and cannot be picked`() {
    let pool = Pool(2)
    #expect(!pool.sleep(0, isSearching: false))
    #expect(!pool.rise(0))
    #expect(pool.wakeOne() == nil)
  }

  @Test func `No more than half search, and the last that gives up is told to look again`() {
    let pool = Pool(4)
    #expect(pool.beginSearch())
    #expect(pool.beginSearch())
    #expect(!pool.beginSearch())
    #expect(!pool.sleep(0, isSearching: true))
    #expect(pool.sleep(1, isSearching: true))
  }
}

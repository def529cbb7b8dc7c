import Testing

@testable import RuntimeCustom

@Suite struct IdleTests {
  private final class Pool {
    private let idle: Idle
    init(_ count: Int) { idle = Idle(workerCount: count) }

    /// - Returns: whether it must look once more.
    func sleep(_ worker: Int, isSearching: Bool) -> Bool {
      idle.sleep(worker, isSearching: isSearching, mayDoze: false).mustLook
    }
    /// - Returns: whether it is to look round every now and then.
    func doze(_ worker: Int) -> Bool { idle.sleep(worker, isSearching: false, mayDoze: true).dozes }
    func rise(_ worker: Int, dozed: Bool = false) -> Bool { idle.rise(worker, dozed: dozed) }
    func wakeOne(isLone: Bool = false) -> Int? { idle.wakeOne(isLone: isLone) }
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

  @Test func `One sleeper dozes as long as others are awake, and a lone job does not wake it`() {
    let pool = Pool(3)
    #expect(pool.doze(0))
    #expect(!pool.doze(1), "one is enough")
    #expect(pool.wakeOne(isLone: true) == nil)
    #expect(pool.wakeOne() == 1)
    #expect(pool.endSearch())
    #expect(pool.wakeOne(isLone: true) == nil, "worker 0 still dozes")
    #expect(!pool.rise(0, dozed: true), "it rises by itself")
    #expect(!pool.sleep(0, isSearching: false))
    #expect(pool.wakeOne(isLone: true) == 0, "now nobody would look")
  }

  @Test func `The last to fall asleep does not doze: there is nobody whose jobs it could take`() {
    let pool = Pool(2)
    #expect(pool.doze(0))
    #expect(!pool.rise(0, dozed: true))
    #expect(!pool.sleep(1, isSearching: false))
    #expect(!pool.doze(0))
  }
}

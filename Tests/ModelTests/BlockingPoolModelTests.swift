import Testing

extension ModelTests {
  /// The blocking pool's threads, which come and go while work is left and the pool is shut down. What is looked for is
  /// work that is lost, run twice, or left waiting while a thread idles or another may be made; and threads that never
  /// end, or that nobody joins.
  ///
  /// Each of these, tried on the pool, was found out: a thread that comes does not have the next one come; one that wakes
  /// does not say that it has come; one whose patience is over does not look for work, or is still counted as idle; one
  /// that leaves tells nobody; one that is left alone does not detach itself; a shutdown leaves what it drops in the queue.
  @Suite struct BlockingPoolModelTests {
    /// A pool, and what becomes of the work that it gets.
    private final class Job {
      let pool: BlockingPool
      private let bound: Int
      private(set) var begun: Set<Int> = []
      private(set) var ended: Set<Int> = []
      private(set) var dropped: Set<Int> = []
      private var taken: Set<Int> = []

      init(bound: Int) {
        pool = BlockingPool(threadName: "pool", bound: bound)
        self.bound = bound
      }

      private final class Piece: BlockingWork, @unchecked Sendable {  // One thread of the model runs at a time.
        let runs: () -> Void
        let drops: () -> Void

        init(run: @escaping () -> Void, cancel: @escaping () -> Void) {
          runs = run
          drops = cancel
        }

        override func run() { runs() }
        override func cancel() { drops() }
      }

      /// Gives the pool piece number `number`, which does `body`.
      func submit(_ number: Int, _ body: @escaping () -> Void = {}) {
        let piece = Piece {
          if !self.begun.insert(number).inserted { self.fail("piece \(number) is run twice") }
          if self.dropped.contains(number) { self.fail("piece \(number) is run although it was dropped") }
          Model.current.note("begins piece \(number)")
          body()
          self.ended.insert(number)
        } cancel: {
          if !self.dropped.insert(number).inserted { self.fail("piece \(number) is dropped twice") }
          if self.begun.contains(number) { self.fail("piece \(number) is dropped although it was run") }
        }
        if (try? pool.submit(piece)) == true { taken.insert(number) }
      }

      func waitForEnd(of count: Int) { Model.current.wait { self.ended.count == count } }

      /// When all wait for some time to pass, there must be no work for which there could be a thread.
      func checkNoneWaitsInVain() {
        let (busy, queued) = (begun.count - ended.count, pool.load.queued)
        if queued > 0, busy < bound { fail("\(queued) pieces wait, and \(busy) of \(bound) threads are busy") }
      }

      /// What is wrong at the end.
      func check(_ model: Model) -> String? {
        let threads = model.threads.filter { $0.name == "pool" }
        if ended != begun { return "pieces \(begun.subtracting(ended)) have not ended" }
        if ended.union(dropped) != taken { return "of pieces \(taken) some are lost: \(ended), \(dropped)" }
        if pool.load != (0, 0) { return "there is left: \(pool.load)" }
        return threads.allSatisfy(\.isReleased) ? nil : "a thread has been joined by nobody"
      }

      private func fail(_ what: String) { let _: Never? = Model.current.fail(what) }
    }

    /// Explores a pool, and threads that do `bodies`.
    private func explore(bound: Int, budget: Int = 3, _ bodies: (@Sendable (Job) -> Void)...) async throws {
      try await Model.explore(budget: budget) { model in
        let job = Job(bound: bound)
        model.beforeTimePasses = job.checkNoneWaitsInVain
        for (number, body) in bodies.enumerated() { model.spawn("outside \(number + 1)") { body(job) } }
        return { job.check(model) }
      }
    }

    /// Waits for so long that threads lose patience; who is the first to go on is open.
    private static func pause() { Model.current.wait(canTimeOut: true) { false } }

    @Test(arguments: [1, 2])
    func `Two pieces, and then the end`(bound: Int) async throws {
      try await explore(
        bound: bound,
        { job in
          job.submit(1)
          job.submit(2)
          job.waitForEnd(of: 2)
          job.pool.shutdown()
        })
    }

    @Test(arguments: [1, 2])
    func `Two pieces, and an end that waits for nothing`(bound: Int) async throws {
      try await explore(
        bound: bound,
        { job in
          job.submit(1)
          job.submit(2)
          job.pool.shutdown()
        })
    }

    @Test(arguments: [1, 2])
    func `Pieces from two sides, and an end from a third`(bound: Int) async throws {
      try await explore(bound: bound, { $0.submit(1) }, { $0.submit(2) }, { $0.pool.shutdown() })
    }

    @Test func `Two pieces that wait for each other get a thread each`() async throws {
      try await explore(
        bound: 2,
        { job in
          job.submit(1) { Model.current.wait { job.begun.contains(2) } }
          job.submit(2) { Model.current.wait { job.begun.contains(1) } }
          job.waitForEnd(of: 2)
          job.pool.shutdown()
        })
    }

    @Test func `Three pieces, of which the first waits for the last`() async throws {
      try await explore(
        bound: 2,
        { job in
          job.submit(1) { Model.current.wait { job.ended.contains(3) } }
          job.submit(2)
          job.submit(3)
          job.waitForEnd(of: 3)
          job.pool.shutdown()
        })
    }

    @Test(arguments: [1, 2])
    func `A piece that comes as an idle thread leaves`(bound: Int) async throws {
      try await explore(
        bound: bound,
        { job in
          job.submit(1)
          Self.pause()
          job.submit(2)
          job.waitForEnd(of: 2)
          job.pool.shutdown()
        })
    }

    @Test func `Two pieces that come as idle threads leave`() async throws {
      try await explore(
        bound: 2, budget: 1,
        { job in
          job.submit(1) { Model.current.wait { job.begun.contains(2) } }
          job.submit(2)
          Self.pause()
          job.submit(3) { Model.current.wait { job.begun.contains(4) } }
          job.submit(4)
          job.waitForEnd(of: 4)
          job.pool.shutdown()
        })
    }

    @Test func `An end as idle threads leave`() async throws {
      try await explore(
        bound: 2, budget: 1,
        { job in
          job.submit(1) { Model.current.wait { job.begun.contains(2) } }
          job.submit(2)
          Self.pause()
          job.pool.shutdown()
        })
    }

    @Test func `An end that does not wait for a piece that goes on`() async throws {
      try await explore(
        bound: 2, budget: 1,
        { job in
          var isOver = false
          job.submit(1) { Model.current.wait { isOver } }
          job.submit(2)
          job.pool.shutdown(deadline: 0)
          isOver = true
        })
    }
  }
}

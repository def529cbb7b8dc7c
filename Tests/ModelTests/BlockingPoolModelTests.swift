import Runtime
import Testing

extension ModelTests {
  /// Model tests of the blocking pool, whose threads come and go while work is left and the pool is shut down. They
  /// look for work that is lost, run twice, or left waiting while a thread is idle or another could be created; and for
  /// threads that never end, or that are never joined.
  ///
  /// The tests found each of these faults when it was planted in the pool: a new thread does not start the next one; a
  /// woken thread does not record that it has come; a thread whose idle time is over does not look for work, or is
  /// still counted as idle; a thread that leaves notifies no other; the last thread does not detach itself; a shutdown
  /// leaves dropped work in the queue; a thread counts as busy until its work's task has gone on, or never counts as
  /// free again; work for which a thread is being created counts as beyond the limit; a cancelled piece of work keeps
  /// its place.
  @Suite struct BlockingPoolModelTests {
    /// A pool, and what happens to the work that it gets.
    private final class Job {
      let pool: BlockingPool
      private let limits: BlockingLimits
      private(set) var begun: Set<Int> = []
      private(set) var ended: Set<Int> = []
      private(set) var dropped: Set<Int> = []
      private(set) var refused: Set<Int> = []
      private var pieces: [Int: Piece] = [:]
      private var taken: Set<Int> = []
      /// The pieces whose body has returned.
      private var done: Set<Int> = []
      /// The pieces whose wait has been cancelled, and those of them that are not yet cancelled in the pool.
      private var cancelled: Set<Int> = []
      private var leaving: Set<Int> = []

      init(_ limits: BlockingLimits) {
        pool = BlockingPool(threadName: "pool", limits: limits)
        self.limits = limits
      }

      private final class Piece: BlockingWork, @unchecked Sendable {  // One thread of the model runs at a time.
        unowned let job: Job
        let number: Int
        let body: () -> Void

        init(_ number: Int, of job: Job, _ body: @escaping () -> Void) {
          (self.number, self.job, self.body) = (number, job, body)
        }

        override func run() { job.run(self) }
        override func finish() { if job.begun.contains(number) { job.ended.insert(number) } }
        override func cancel() { job.drop(self) }
        override var isOver: Bool { job.dropped.contains(number) }
      }

      private func run(_ piece: Piece) {
        if cancelled.contains(piece.number), dropped.contains(piece.number) { return }
        if !begun.insert(piece.number).inserted { fail("piece \(piece.number) is run twice") }
        if dropped.contains(piece.number) { fail("piece \(piece.number) is run although it was dropped") }
        Model.current.note("begins piece \(piece.number)")
        piece.body()
        done.insert(piece.number)
      }

      private func drop(_ piece: Piece) {
        if cancelled.contains(piece.number) {
          if !begun.contains(piece.number) { dropped.insert(piece.number) }
          return
        }
        if !dropped.insert(piece.number).inserted { fail("piece \(piece.number) is dropped twice") }
        if begun.contains(piece.number) { fail("piece \(piece.number) is dropped although it was run") }
      }

      /// Submits piece `number`, which runs `body`, to the pool.
      func submit(_ number: Int, _ body: @escaping () -> Void = {}) {
        let piece = Piece(number, of: self, body)
        pieces[number] = piece
        let (error, most) = (pool.submit(piece), limits.threads + limits.queued)
        if error is BlockingWorkRefused {
          refused.insert(number)
          // A piece that is about to be cancelled may still be in the queue.
          let inHand = taken.subtracting(ended).subtracting(dropped.subtracting(leaving))
          if inHand.count < most { fail("piece \(number) is refused beside \(inHand)") }
        } else if error == nil {
          taken.insert(number)
          let inHand = taken.subtracting(done).subtracting(dropped)
          if inHand.count > most { fail("piece \(number) is taken beside \(inHand)") }
        }
      }

      /// Cancels the wait for piece `number`.
      func cancel(_ number: Int) {
        guard let piece = pieces[number] else { return }
        cancelled.insert(number)
        leaving.insert(number)
        pool.cancel(piece)
        leaving.remove(number)
      }

      /// The number of pieces that the pool has accepted or refused.
      var answered: Int { taken.count + refused.count }

      func waitForEnd(of count: Int) { Model.current.wait { self.ended.count == count } }

      /// Checks, when all threads wait for time to pass, that no work waits for which there could be a thread.
      func checkNoneWaitsInVain() {
        let (busy, queued) = (begun.count - ended.count, pool.load.queued)
        if queued > 0, busy < limits.threads {
          fail("\(queued) pieces wait, and \(busy) of \(limits.threads) threads are busy")
        }
      }

      /// Returns what is wrong at the end; `nil` if nothing is.
      func check(_ model: Model) -> String? {
        let threads = model.threads.filter { $0.name == "pool" }
        if ended != begun { return "pieces \(begun.subtracting(ended)) have not ended" }
        let lost = ended.union(dropped).subtracting(refused) != taken
        if lost { return "of pieces \(taken) some are lost: \(ended), \(dropped)" }
        if pool.load != (0, 0, refused.count) { return "the pool is left with \(pool.load)" }
        return threads.allSatisfy(\.isReleased) ? nil : "a thread has not been joined"
      }

      func fail(_ what: String) { let _: Never? = Model.current.fail(what) }
    }

    /// Explores a pool, and threads that run `bodies`.
    private func explore(
      bound: Int, queued: Int = 4096, budget: Int = 3, _ bodies: (@Sendable (Job) -> Void)...
    ) async throws {
      try await Model.explore(budget: budget) { model in
        let job = Job(BlockingLimits(threads: bound, queued: queued))
        model.beforeTimePasses = job.checkNoneWaitsInVain
        for (number, body) in bodies.enumerated() { model.spawn("outside \(number + 1)") { body(job) } }
        return { job.check(model) }
      }
    }

    /// Waits until the pool's threads may have timed out. Which thread goes on first is open.
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

    @Test(arguments: [(1, 0), (1, 1), (2, 0)])
    func `Pieces from two sides, of which too many are refused`(bound: Int, queued: Int) async throws {
      try await explore(
        bound: bound, queued: queued, budget: 2,
        { job in
          job.submit(1)
          job.submit(2)
        }, { $0.submit(3) },
        { job in
          Model.current.wait { job.answered == 3 }
          job.pool.shutdown()
        })
    }

    @Test(arguments: [0, 1])
    func `A piece too many, while the others go on`(queued: Int) async throws {
      try await explore(
        bound: 1, queued: queued,
        { job in
          for number in 1...queued + 2 {
            job.submit(number) { Model.current.wait { job.answered == queued + 2 } }
          }
          if job.refused != [queued + 2] { job.fail("refused are \(job.refused)") }
          job.waitForEnd(of: queued + 1)
          job.submit(9)
          if job.refused.contains(9) { job.fail("piece 9 is refused although there is room") }
          job.waitForEnd(of: queued + 2)
          job.pool.shutdown()
        })
    }

    @Test func `A cancelled piece leaves its place to another`() async throws {
      try await explore(
        bound: 1, queued: 1,
        { job in
          job.submit(1) { Model.current.wait { job.answered == 3 } }
          job.submit(2)
          job.cancel(2)
          job.submit(3)
          job.waitForEnd(of: 2)
          job.pool.shutdown()
        })
    }

    @Test func `A piece that is cancelled as another comes`() async throws {
      try await explore(
        bound: 1, queued: 1, budget: 2,
        { job in
          job.submit(1)
          job.submit(2)
          job.cancel(2)
        }, { $0.submit(3) },
        { job in
          Model.current.wait { job.answered == 3 }
          job.pool.shutdown()
        })
    }

    @Test(arguments: [0, 1])
    func `A piece that waits for another without a thread for it ends with the pool`(queued: Int) async throws {
      try await explore(
        bound: 1, queued: queued,
        { job in
          job.submit(1) {
            job.submit(2)
            // Refused at once, or queued until the shutdown drops it.
            Model.current.wait { job.refused.contains(2) || job.dropped.contains(2) }
          }
          Model.current.wait { job.answered == 2 }
          if queued == 0, !job.refused.contains(2) { job.fail("piece 2 is not refused") }
          job.pool.shutdown()
        })
    }
  }
}

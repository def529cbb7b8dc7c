import Testing

/// All models run one at a time.
@Suite(.serialized) struct ModelTests {}

extension ModelTests {
  @Suite struct RunQueueModelTests {
    /// A queue, and the jobs that were taken from it.
    private final class Line {
      let queue = RunQueue()
      var taken: [Int] = []

      func push(_ number: Int) -> Bool { queue.push(UnownedJob(number: number) {}) }

      func pop() {
        if let job = queue.pop() { taken.append(job.number) }
      }

      func popAll() {
        while let job = queue.pop() { taken.append(job.number) }
      }

      func steal(from victim: Line, atLeast: UInt32 = 1) {
        if let (job, _) = victim.queue.steal(into: queue, atLeast: atLeast) { taken.append(job.number) }
      }

      /// Moves the beginning of the queue on, so that what follows wraps around the end of the ring.
      func turn(_ count: Int) {
        for _ in 0..<count {
          _ = push(0)
          _ = queue.pop()
        }
      }
    }

    private static func check(_ lines: [Line], have count: Int, elsewhere: [Int] = []) -> String? {
      for line in lines { line.popAll() }
      let all = (lines.flatMap(\.taken) + elsewhere).sorted()
      return all == Array(1...count) ? nil : "out of \(count) jobs came \(all)"
    }

    // Each test begins at the start of the ring, or one slot before its end so that the queue wraps around.

    @Test(arguments: [0, 3])
    func `An owner that pushes and pops, and a thief`(turned: Int) async throws {
      try await Model.explore { model in
        let (owner, thief) = (Line(), Line())
        owner.turn(turned)
        model.spawn("owner") {
          for number in 1...3 { _ = owner.push(number) }
          owner.pop()
          owner.pop()
        }
        model.spawn("thief") {
          thief.steal(from: owner)
          thief.popAll()
        }
        return { Self.check([owner, thief], have: 3) }
      }
    }

    @Test(arguments: [0, 3])
    func `An owner that refills its queue while a thief steals from it`(turned: Int) async throws {
      try await Model.explore { model in
        let (owner, thief) = (Line(), Line())
        owner.turn(turned)
        for number in 1...4 { _ = owner.push(number) }
        var refused: [Int] = []
        model.spawn("owner") {
          owner.pop()
          for number in 5...6 where !owner.push(number) { refused.append(number) }
          owner.pop()
        }
        model.spawn("thief") { thief.steal(from: owner) }
        return { Self.check([owner, thief], have: 6, elsewhere: refused) }
      }
    }

    @Test func `Two thieves at once`() async throws {
      try await Model.explore { model in
        let (owner, one, two) = (Line(), Line(), Line())
        owner.turn(3)
        for number in 1...3 { _ = owner.push(number) }
        model.spawn("owner") {
          owner.pop()
          _ = owner.push(4)
        }
        model.spawn("one") { one.steal(from: owner) }
        model.spawn("two") { two.steal(from: owner) }
        return { Self.check([owner, one, two], have: 4) }
      }
    }

    @Test func `A thief that is robbed in its turn`() async throws {
      try await Model.explore { model in
        let (owner, one, two) = (Line(), Line(), Line())
        for number in 1...4 { _ = owner.push(number) }
        model.spawn("one") {
          one.steal(from: owner)
          one.steal(from: owner)
        }
        model.spawn("two") { two.steal(from: one) }
        return { Self.check([owner, one, two], have: 4) }
      }
    }

    @Test func `A thief leaves a lone job alone`() async throws {
      try await Model.explore { model in
        let (owner, thief) = (Line(), Line())
        _ = owner.push(1)
        model.spawn("owner") {
          _ = owner.push(2)
          owner.pop()
        }
        model.spawn("thief") { thief.steal(from: owner, atLeast: 2) }
        return { thief.taken == [1] || thief.taken == [] ? Self.check([owner, thief], have: 2) : "\(thief.taken)" }
      }
    }
  }
}

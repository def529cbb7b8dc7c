import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Bugs that only few orders of tasks show. docs/simulation.md says how many runs it takes to find them.
enum OrderBug: String, CaseIterable, Sendable {
  /// One task is held up while another makes `depth` steps.
  case heldUp
  /// One task is held up while another makes `depth` steps, and then the other one while the first makes as many.
  case heldUpInTurn
  /// Two tasks take `depth` steps in one particular order without a pattern.
  case pattern
  /// One task gets ahead of another, `depth` times in a row, at most 16. Each time runs code of its own.
  case chain

  struct Found: Error {}

  /// Throws `Found` if this run has the bug.
  func provoke(depth: Int, _ runtime: SimulatedRuntime) async throws {
    switch self {
    case .heldUp:
      let steps = Recorder<Void>()
      let fast = runtime.spawn {
        for _ in 0..<depth {
          steps.record(())
          await Task.yield()
        }
      }
      let slow = runtime.spawn {
        await Task.yield()
        if steps.elements.count == depth { throw Found() }
      }
      try await fast.value
      try await slow.value
    case .heldUpInTurn:
      let wanted = [0] + Array(repeating: 1, count: depth) + Array(repeating: 0, count: depth)
      if try await turns(depth + 1, runtime).prefix(wanted.count) == wanted[...] { throw Found() }
    case .pattern:
      let wanted = (0..<depth).map { 0xb38e >> ($0 % 16) & 1 }
      if try await turns(depth, runtime).prefix(depth) == wanted[...] { throw Found() }
    case .chain:
      for step in 1...depth {
        let order = Recorder<Int>()
        let tasks = (0..<2).map { number in runtime.spawn { order.record(number) } }
        for task in tasks { try await task.value }
        guard order.elements == [1, 0] else { return }
        runtime.note(Self.name(of: step))
      }
      throw Found()
    }
  }

  /// Returns the name of a step. Each case is code of its own, with a coverage counter.
  private static func name(of step: Int) -> String {
    switch step {
    case 1: "one"
    case 2: "two"
    case 3: "three"
    case 4: "four"
    case 5: "five"
    case 6: "six"
    case 7: "seven"
    case 8: "eight"
    case 9: "nine"
    case 10: "ten"
    case 11: "eleven"
    case 12: "twelve"
    case 13: "thirteen"
    case 14: "fourteen"
    case 15: "fifteen"
    default: "sixteen"
    }
  }

  /// Runs two tasks that take `count` steps each, and returns the order of their steps.
  private func turns(_ count: Int, _ runtime: SimulatedRuntime) async throws -> [Int] {
    let turns = Recorder<Int>()
    let tasks = (0..<2).map { number in
      runtime.spawn {
        for _ in 0..<count {
          turns.record(number)
          await Task.yield()
        }
      }
    }
    for task in tasks { try await task.value }
    return turns.elements
  }
}

struct ScheduleTests {
  /// Returns the failure of the first seed that fails.
  private func failure(
    of bug: OrderBug, depth: Int, seeds: ClosedRange<UInt64>, _ schedule: Schedule
  ) async throws -> SimulationFailure? {
    do {
      try await simulate(seeds: seeds, schedule: schedule) { try await bug.provoke(depth: depth, $0) }
      return nil
    } catch let failure as SimulationFailure {
      return failure
    }
  }

  @Test func `By chance it takes hundreds of seeds to hold a task up for eight turns, and each seed keeps its run`()
    async throws
  {
    // A seed that finds a bug once must always find it.
    #expect(try await failure(of: .heldUp, depth: 8, seeds: 1...360, .random) == nil)
    #expect(try await failure(of: .heldUp, depth: 8, seeds: 361...361, .random) != nil)
  }

  @Test(arguments: [2, 3, 5])
  func `By priorities it takes a few, for however long`(depth: Int) async throws {
    let failure = try #require(try await failure(of: .heldUp, depth: 100, seeds: 1...20, .priorities(depth: depth)))
    #expect(failure.schedule == .priorities(depth: depth))
    #expect(
      failure.description.hasSuffix(
        "SIMULATION_SEED=\(failure.seed) repeats it, with schedule: .priorities(depth: \(depth))."))
  }

  @Test func `A task may be held up, and then another`() async throws {
    #expect(try await failure(of: .heldUpInTurn, depth: 10, seeds: 1...200, .priorities(depth: 1)) == nil)
    #expect(try await failure(of: .heldUpInTurn, depth: 10, seeds: 800...810, .priorities(depth: 3)) != nil)
  }

  @Test(arguments: [
    Schedule.priorities(depth: 4), .inTurn(except: [:]), .inTurn(except: [3: 1, 10: 2]),
    .branching(at: [3: 1, 10: 2]),
  ])
  func `The same seed gives the same run, event for event`(schedule: Schedule) async throws {
    for seed: UInt64 in 1...10 {
      let first = try await simulate(seed: seed, schedule: schedule, faults: .rough) {
        try await DeterminismTests.everything($0)
      }
      let second = try await simulate(seed: seed, schedule: schedule, faults: .rough) {
        try await DeterminismTests.everything($0)
      }
      #expect(first.choices > 10)
      #expect(first.trace.firstDifference(from: second.trace) == nil)
    }
  }

  @Test(arguments: [
    Schedule.priorities(depth: 1), .inTurn(except: [:]), .inTurn(except: [0: 1]), .inTurn(except: [1: 1]),
  ])
  func `Tasks that wait by yielding do not keep the others from their turns`(schedule: Schedule) async throws {
    try await simulate(seeds: 1...10, schedule: schedule) { runtime in
      let steps = Recorder<Int>()
      runtime.spawn {
        for number in 1...5 {
          steps.record(number)
          await Task.yield()
        }
      }
      for _ in 0..<2 {
        runtime.spawn { while steps.elements.count < 5 { await Task.yield() } }
      }
      while steps.elements.count < 5 { await Task.yield() }
    }
  }

  @Test func `A task keeps its priority in an actor`() async throws {
    actor Log {
      var numbers: [Int] = []
      func add(_ number: Int) { numbers.append(number) }
    }
    // While priorities do not change, a task runs until it waits, even if it calls an actor.
    for seed: UInt64 in 1...20 {
      let orders = Recorder<[Int]>()
      try await simulate(seed: seed, schedule: .priorities(depth: 1)) { runtime in
        let log = Log()
        let tasks = (0..<3).map { number in
          runtime.spawn { for _ in 0..<5 { await log.add(number) } }
        }
        for task in tasks { try await task.value }
        orders.record(await log.numbers)
      }
      // The first of the two runs has random order.
      let order = try #require(orders.elements.last)
      #expect(orders.elements.count == 2)
      #expect(zip(order, order.dropFirst()).count { $0 != $1 } == 2, "\(order)")
    }
  }
}

struct ExplorationTests {
  // A yield takes two jobs, so each of two tasks has five of the ten jobs, which have 252 orders.
  @Test(arguments: [(tasks: 2, turns: 3, orders: 20, runs: 252), (tasks: 3, turns: 1, orders: 6, runs: 6)])
  func `Exploration tries every order, and then ends`(tasks: Int, turns: Int, orders: Int, runs: Int) async throws {
    let seen = Recorder<[Int]>()
    let exploration = try await explore { runtime in
      let order = Recorder<Int>()
      for number in 0..<tasks {
        runtime.spawn {
          order.record(number)
          for _ in 1..<turns {
            await Task.yield()
            order.record(number)
          }
        }
      }
      // The body waits for a time, so it is ready at none of their choices.
      try await runtime.clock.sleep(for: .seconds(1))
      seen.record(order.elements)
    }
    #expect(Set(seen.elements).count == orders)
    #expect(exploration.isComplete)
    // Each order of jobs comes up once.
    #expect(exploration.runs == runs)
  }

  @Test func `Orders with fewer deviations come first, and those beyond the limit are left out`() async throws {
    let body: @Sendable (SimulatedRuntime) async throws -> Void = { try await OrderBug.pattern.provoke(depth: 5, $0) }
    let none = try await explore(deviations: 0) { try await OrderBug.heldUp.provoke(depth: 5, $0) }
    #expect(none.runs == 1)
    #expect(none.deviations == 0)
    #expect(!none.isComplete)
    let few = try await explore(runs: 10, body)
    #expect(few.runs == 10)
    #expect(few.deviations == 0)
    #expect(!few.isComplete)
    let one = try await explore(deviations: 1, body)
    #expect(one.deviations == 1)
    #expect(one.runs > 10)
    #expect(!one.isComplete)
  }

  @Test func `A failure tells how to repeat it`() async throws {
    let bug: @Sendable (SimulatedRuntime) async throws -> Void = { try await OrderBug.heldUp.provoke(depth: 16, $0) }
    let failure = try await #require(throws: SimulationFailure.self) { try await explore(bug) }
    guard case .inTurn(let exceptions) = failure.schedule else { throw failure }
    #expect(exceptions.count == 1)
    #expect(failure.description.hasSuffix("simulate(seed: 1, schedule: \(failure.schedule)) repeats it."))
    let again = try await #require(throws: SimulationFailure.self) {
      try await simulate(seed: failure.seed, schedule: failure.schedule, bug)
    }
    #expect(again.trace.firstDifference(from: failure.trace) == nil)
  }

  @Test func `A scene with a network is explored to its end`() async throws {
    let answers = Recorder<[String]>()
    let exploration = try await explore { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 80))
      runtime.spawn {
        for name in ["one", "two"] {
          let stream = try await listener.accept()
          try await stream.write(name)
          stream.close()
        }
      }
      let clients = (0..<2).map { _ in
        runtime.spawn {
          let stream = try await runtime.connect(to: listener.localAddress)
          return String(decoding: try await stream.readToEnd(), as: UTF8.self)
        }
      }
      var order: [String] = []
      for client in clients { order.append(try await client.value) }
      answers.record(order)
    }
    #expect(exploration.isComplete)
    #expect(Set(answers.elements) == [["one", "two"], ["two", "one"]])
  }

  @Test func `State that outlives a run is found out`() async throws {
    let runs = Recorder<Void>()
    let failure = try await #require(throws: SimulationFailure.self) {
      try await explore { runtime in
        runs.record(())
        // Like a cache that is warm from the second run on.
        let count = runs.elements.count == 1 ? 3 : 1
        for _ in 0..<count { runtime.spawn { await Task.yield() } }
      }
    }
    guard case .unrepeatable = failure.cause else { throw failure }
  }
}

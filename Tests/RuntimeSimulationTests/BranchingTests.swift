import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Runs that draw from another seed from some choice on.
struct BranchingTests {
  /// Lets one of two tasks go first, again and again: one choice each time.
  private static func race(_ runtime: SimulatedRuntime, times: Int) async throws {
    for number in 0..<times {
      runtime.note("race \(number)")
      let tasks = (0..<2).map { task in runtime.spawn { runtime.note("task \(task)") } }
      // No task waits for the first, so there is no choice but which goes first.
      try await runtime.clock.sleep(for: .seconds(1))
      for task in tasks { try await task.value }
    }
  }

  @Test func `A run is the same up to the choice at which it branches, and goes on from the new seed`() async throws {
    let usual = try await simulate(seed: 1) { try await Self.race($0, times: 20) }
    #expect(usual.choices == 20)
    var differences: [Int] = []
    for seed: UInt64 in 1...20 {
      let branched = try await simulate(seed: 1, schedule: .branching(at: [10: seed])) {
        try await Self.race($0, times: 20)
      }
      if let difference = usual.trace.firstDifference(from: branched.trace) { differences.append(difference.line) }
    }
    let branch = try #require(usual.trace.lines.firstIndex { $0.contains("race 10") })
    let next = try #require(usual.trace.lines.firstIndex { $0.contains("race 11") })
    // In about half of them, the very choice falls differently.
    #expect(differences.count > 15)
    #expect(differences.allSatisfy { $0 > branch })
    #expect(differences.contains { $0 < next })
  }

  @Test func `A run that branches before anything is drawn is that of the other seed`() async throws {
    let draws: @Sendable (SimulatedRuntime) async throws -> Void = { runtime in
      // The first choice. What follows uses latencies, faults and random numbers too.
      for _ in 0..<2 { runtime.spawn { runtime.note("\(Int.random(in: 0..<1_000_000))") } }
      try await runtime.clock.sleep(for: .seconds(1))
      try await DeterminismTests.everything(runtime)
    }
    var faults = FaultPlan.rough
    faults.partitions = 0.5
    let other = try await simulate(seed: 9, faults: faults, draws)
    let branched = try await simulate(seed: 1, schedule: .branching(at: [0: 9]), faults: faults, draws)
    #expect(other.faults.contains { $0.kind == .partition })
    #expect(branched.trace.firstDifference(from: other.trace) == nil)
    let usual = try await simulate(seed: 1, faults: faults, draws)
    #expect(branched.trace.firstDifference(from: usual.trace) != nil)
  }

  @Test func `A partition that has begun lasts for its period, and the next are drawn anew`() async throws {
    /// Returns how many datagrams arrive in each second, of two that are sent in each with a choice between them.
    func arrivals(_ schedule: Schedule) async throws -> [Int] {
      var faults = FaultPlan()
      faults.partitions = 0.5
      let counts = Recorder<[Int]>()
      try await simulate(seed: 1, schedule: schedule, faults: faults) { runtime in
        let other = runtime.host()
        let sender = try await runtime.bindDatagrams(on: .ipv4(runtime.address, port: 53))
        let receiver = try await other.bindDatagrams(on: .ipv4(other.address, port: 53))
        let periods = Recorder<Int>()
        other.spawn {
          while true {
            _ = try await receiver.receive()
            periods.record(Int(other.clock.now.offset.components.seconds))
          }
        }
        for _ in 0..<20 {
          try await runtime.clock.sleep(for: .milliseconds(250))
          try await sender.send([1], to: receiver.localAddress)
          for _ in 0..<2 { runtime.spawn {} }
          try await runtime.clock.sleep(for: .milliseconds(500))
          try await sender.send([2], to: receiver.localAddress)
          try await runtime.clock.sleep(for: .milliseconds(250))
        }
        counts.record((0..<20).map { period in periods.elements.count { $0 == period } })
      }
      return try #require(counts.elements.first)
    }
    let branches = Dictionary(uniqueKeysWithValues: (0..<60).map { ($0, UInt64($0) + 100) })
    let usual = try await arrivals(.random)
    let branched = try await arrivals(.branching(at: branches))
    #expect(Set(usual) == [0, 2])
    #expect(Set(branched) == [0, 2])
    #expect(branched.first == usual.first)
    #expect(branched != usual)
  }

  @Test func `A failed run that branches is shrunk, and its schedule repeats it`() async throws {
    struct Found: Error {}
    let body: @Sendable (SimulatedRuntime) async throws -> Void = { runtime in
      for _ in 0..<2 { runtime.spawn {} }
      try await runtime.clock.sleep(for: .seconds(1))
      try await DeterminismTests.everything(runtime)
      if runtime.faults.contains(where: { $0.kind == .shortWrite }) { throw Found() }
    }
    let schedule = Schedule.branching(at: [0: 2, 40: 3])
    let failure = try await #require(throws: SimulationFailure.self) {
      try await simulate(seed: 1, schedule: schedule, faults: .rough, body)
    }
    #expect(failure.faults.map(\.kind) == [.shortWrite])
    #expect(failure.faultCount > 5)
    #expect(failure.schedule == schedule)
    #expect(
      failure.description.hasSuffix("\nsimulate(seed: 1, schedule: .branching(at: [0: 2, 40: 3])) repeats it."))
  }

  @Test func `A trap says how to repeat a run that branches`() async throws {
    let end = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try await simulate(seed: 3, schedule: .branching(at: [31: 884])) { runtime in
        let numbers = [1, 2, 3].filter { $0 > Int(runtime.seed) }
        print(numbers[0])
      }
    }
    let text = String(decoding: end.standardErrorContent, as: UTF8.self)
    #expect(text.contains("simulate(seed: 3, schedule: .branching(at: [31: 884])) repeats it."))
  }
}

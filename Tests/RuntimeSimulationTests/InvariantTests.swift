import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import Testing

struct InvariantTests {
  /// Moves money between two accounts, in two steps each time.
  private static func transfers(_ runtime: SimulatedRuntime, at moments: InvariantMoments) async throws {
    let balance = Recorder<Int>()
    runtime.invariant("the sum stays the same", at: moments) { balance.elements.reduce(0, +) == 0 }
    for _ in 0..<3 {
      try await runtime.clock.sleep(for: .seconds(1))
      balance.record(-10)
      await Task.yield()
      balance.record(10)
    }
    // Breaks the invariant at the end of the body, if it still holds then.
    balance.record(1)
  }

  @Test func `An invariant is checked after each step, and the failure names the step`() async throws {
    let failure = try await #require(throws: SimulationFailure.self) {
      try await simulate(seeds: 7...7) { try await Self.transfers($0, at: .everyStep) }
    }
    guard case .violation("the sum stays the same") = failure.cause else { throw failure }
    #expect(failure.seed == 7)
    #expect(failure.description.contains("the invariant \"the sum stays the same\" did not hold"))
    #expect(
      failure.trace.lines.contains("1 s: the simulation notes: the invariant \"the sum stays the same\" does not hold"))
    #expect(failure.description.contains("1 s: the simulation notes: the invariant"))
  }

  @Test func `An invariant can be checked only when no task is ready`() async throws {
    try await simulate(seeds: 1...10) { runtime in
      try await Self.transfers(runtime, at: .quietMoments)
    }
    let failure = try await #require(throws: SimulationFailure.self) {
      try await simulate(seeds: 1...1) { runtime in
        let balance = Recorder<Int>()
        runtime.invariant("the sum stays the same", at: .quietMoments) { balance.elements.reduce(0, +) == 0 }
        balance.record(-10)
        await Task.yield()
        try await runtime.clock.sleep(for: .seconds(1))
        balance.record(10)
      }
    }
    guard case .violation("the sum stays the same") = failure.cause else { throw failure }
    #expect(failure.waits.contains { $0.hasSuffix("sleeps until 1 s") })
  }

  @Test func `An invariant is checked until the body ends, and not during the shutdown of the hosts`() async throws {
    try await simulate(seeds: 1...10) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 80))
      runtime.spawn { _ = try await listener.accept() }
      for moments in [InvariantMoments.everyStep, .quietMoments] {
        runtime.invariant("a listener is open", at: moments) { runtime.inventory.listeners == 1 }
      }
      try await runtime.clock.sleep(for: .seconds(1))
    }
  }

  @Test func `Shrinking keeps the faults that break an invariant`() async throws {
    let failure = try await #require(throws: SimulationFailure.self) {
      try await simulate(seeds: 1...1000, faults: .rough) { runtime in
        runtime.invariant("no connection is reset") { !runtime.faults.contains { $0.kind == .reset } }
        let host = runtime.host()
        let listener = try await host.listen(on: .ipv4(host.address, port: 80))
        host.spawn {
          while true {
            let stream = try await listener.accept()
            host.spawn { while !(try await stream.read().isEmpty) {} }
          }
        }
        for _ in 0..<10 {
          guard let stream = try? await runtime.connect(to: listener.localAddress) else { continue }
          try? await stream.write(Array(repeating: 1, count: 20_000))
          stream.close()
        }
      }
    }
    guard case .violation("no connection is reset") = failure.cause else { throw failure }
    #expect(failure.faultCount > 1)
    #expect(failure.faults.map(\.kind) == [.reset])
  }
}

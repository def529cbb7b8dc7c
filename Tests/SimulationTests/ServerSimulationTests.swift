import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import Testing

/// The servers in a simulated network, in many orders of events and with faults.
struct ServerSimulationTests {
  @Test(arguments: Scenario.Version.allCases)
  func `In a calm network every request gets its own answer`(version: Scenario.Version) async throws {
    try await simulate(seeds: Seeds.few, faults: .calm, limits: Seeds.limits) { runtime in
      let scenario = try await Scenario(version, on: runtime)
      try await withThrowingTaskGroup { group in
        for _ in 0..<3 { group.addTask { try await scenario.runClient(connections: 2, requests: 6) } }
        try await group.waitForAll()
      }
      try scenario.ledger.checkAllAnswered()
      try await scenario.finish(losesNothing: true)
    }
  }

  /// Lets clients of all kinds talk to a server, and checks that none gets another's answer and nothing is left over.
  private static func talk(_ version: Scenario.Version, on runtime: SimulatedRuntime) async throws {
    let scenario = try await Scenario(version, on: runtime)
    try await withThrowingTaskGroup { group in
      for _ in 0..<3 {
        group.addTask {
          try await scenario.runClient(connections: 2, requests: 6, manners: Scenario.Manner.allCases)
        }
      }
      try await group.waitForAll()
    }
    try await scenario.finish(losesNothing: false)
  }

  @Test(arguments: Scenario.Version.allCases)
  func `In a rough network no request gets another's answer, and nothing is left over`(
    version: Scenario.Version
  ) async throws {
    try await simulate(seeds: Seeds.many, faults: .rough, limits: Seeds.limits) { runtime in
      try await Self.talk(version, on: runtime)
    }
  }

  @Test(.enabled(if: hasCoverageCounters, "needs --enable-code-coverage"), arguments: Scenario.Version.allCases)
  func `The same holds in runs that are preferred because they reach new code`(version: Scenario.Version) async throws {
    try await fuzz(faults: .rough, limits: Seeds.limits, runs: Seeds.fuzzed) { runtime in
      try await Self.talk(version, on: runtime)
    }
  }

  @Test(arguments: Scenario.Version.allCases)
  func `A graceful shutdown loses no answer to a request that was taken up`(
    version: Scenario.Version
  ) async throws {
    var faults = FaultPlan.calm
    faults.delays = 0.1
    faults.shortReads = 0.2
    faults.shortWrites = 0.2
    faults.fullBuffers = 0.05
    try await simulate(seeds: Seeds.many, faults: faults, limits: Seeds.limits) { runtime in
      var options = ServerOptions()
      options.shutdownGrace = .seconds(3600)
      let scenario = try await Scenario(version, on: runtime, options: options)
      try await withThrowingTaskGroup { group in
        for _ in 0..<3 { group.addTask { try await scenario.runClient(connections: 2, requests: 6) } }
        group.addTask {
          try await runtime.clock.sleep(for: .milliseconds(.random(in: 0...1500)))
          runtime.note("the server is shut down")
          await scenario.server.shutdown()
        }
        try await group.waitForAll()
      }
      try await scenario.finish(losesNothing: true)
    }
  }

  @Test(arguments: Scenario.Version.allCases)
  func `A server that has no patience ends what takes too long, and nothing else`(
    version: Scenario.Version
  ) async throws {
    var faults = FaultPlan.rough
    faults.partitions = 0.3
    try await simulate(seeds: Seeds.many, faults: faults, limits: Seeds.limits) { runtime in
      var options = ServerOptions()
      options.headTimeout = .milliseconds(300)
      options.stallTimeout = .milliseconds(300)
      options.idleTimeout = .milliseconds(500)
      options.http2.keepAliveInterval = .seconds(1)
      options.shutdownGrace = .milliseconds(500)
      let scenario = try await Scenario(version, on: runtime, options: options)
      try await withThrowingTaskGroup { group in
        for _ in 0..<3 {
          group.addTask {
            try await scenario.runClient(connections: 2, requests: 6, manners: Scenario.Manner.allCases)
          }
        }
        group.addTask {
          try await runtime.clock.sleep(for: .milliseconds(.random(in: 0...5000)))
          runtime.note("the server is shut down")
          await scenario.server.shutdown()
        }
        try await group.waitForAll()
      }
      try await scenario.finish(losesNothing: false)
    }
  }
}

import Runtime
@_spi(Experimental) import RuntimeCustom
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

struct DeterminismTests {
  actor Counter {
    var value = 0
    func add() { value += 1 }
  }

  /// Uses some of everything that Swift runs.
  static func everything(_ runtime: SimulatedRuntime) async throws {
    let counter = Counter()
    let listener = try await runtime.listen(on: .loopback(port: 0))
    let client = runtime.host()
    let server = runtime.spawn {
      try await withThrowingDiscardingTaskGroup { group in
        for _ in 0..<8 {
          let stream = try await listener.accept()
          group.addTask {
            while let bytes = try? await stream.read(), !bytes.isEmpty { try? await stream.write(bytes) }
            stream.close()
          }
        }
      }
    }
    await withTaskGroup(of: Void.self) { group in
      for number in 0..<8 {
        group.addTask {
          guard let stream = try? await runtime.connect(to: listener.localAddress) else { return }
          try? await stream.write(Array(repeating: UInt8(number), count: number * 1000))
          try? stream.shutdownWrite()
          _ = try? await stream.readToEnd()
          await counter.add()
        }
      }
    }
    async let one: Void = counter.add()
    async let two: Void = Task { try? await Task.sleep(for: .milliseconds(.random(in: 1...100))) }.value
    _ = await (one, two)
    let socket = try await client.bindDatagrams(on: .ipv4(.any, port: 0))
    let receiver = try await runtime.bindDatagrams(on: .ipv4(runtime.address, port: 53))
    for number in 0..<8 { try await socket.send([UInt8(number)], to: receiver.localAddress) }
    try await runtime.clock.sleep(for: .seconds(1))
    try await receiver.send([8], to: receiver.localAddress)
    // Some of the eight datagrams may be lost in a rough network.
    while try await receiver.receive().bytes != [8] {}
    _ = try await runtime.runBlocking { 7 }
    let names: Set<String> = ["one", "two", "three", "four"]
    for name in names { runtime.note(name) }
    server.cancel()
  }

  @Test(arguments: ["none", "calm", "rough"])
  func `The same seed gives the same run, event for event`(network: String) async throws {
    let plans: [String: FaultPlan] = ["none": .none, "calm": .calm, "rough": .rough]
    let faults = try #require(plans[network])
    for seed: UInt64 in 1...20 {
      let first = try await simulate(seed: seed, faults: faults) { try await Self.everything($0) }
      let second = try await simulate(seed: seed, faults: faults) { try await Self.everything($0) }
      #expect(first.trace.lines.count > 50)
      #expect(first.trace.firstDifference(from: second.trace) == nil)
      #expect(first.faults == second.faults)
    }
  }

  @Test func `The same seed gives the same run in another process, too`() async throws {
    let there = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
      let report = try await simulate(seed: 11, faults: .rough) { try await DeterminismTests.everything($0) }
      print(report.trace)
    }
    let here = try await simulate(seed: 11, faults: .rough) { try await Self.everything($0) }
    #expect(here.trace.lines.count > 50)
    #expect(String(decoding: there.standardOutputContent, as: UTF8.self).contains(here.trace.description))
  }

  @Test(arguments: [true, false])
  func `The same seed gives the same run where a runtime has the process, whichever came first`(
    isAdoptedFirst: Bool
  ) async throws {
    let there = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
      [isAdoptedFirst] in
      let runtime = try CustomRuntime(workers: 2)
      if !isAdoptedFirst { try await simulate(seed: 1) { _ in } }
      let adoption = try runtime.adoptProcess()
      print(try await simulate(seed: 11, faults: .rough) { try await DeterminismTests.everything($0) }.trace)
      // The adoption still takes the jobs of threads that run no simulation.
      let count = adoption.jobCount
      await Task.detached {}.value
      #expect(adoption.jobCount > count)
      await runtime.shutdown()
    }
    let here = try await simulate(seed: 11, faults: .rough) { try await Self.everything($0) }
    #expect(String(decoding: there.standardOutputContent, as: UTF8.self).contains(here.trace.description))
  }

  @Test func `Another seed gives another run`() async throws {
    var traces: Set<SimulationTrace> = []
    for seed: UInt64 in 1...20 {
      let report = try await simulate(seed: seed) { try await Self.everything($0) }
      traces.insert(report.trace)
    }
    #expect(traces.count == 20)
  }

  @Test func `Every order of what is ready comes up`() async throws {
    let seen = Recorder<[Int]>()
    try await simulate(seeds: 1...200) { runtime in
      let order = Recorder<Int>()
      let tasks = (1...3).map { number in runtime.spawn { order.record(number) } }
      for task in tasks { try await task.value }
      seen.record(order.elements)
    }
    #expect(Set(seen.elements).count == 6)
  }
}

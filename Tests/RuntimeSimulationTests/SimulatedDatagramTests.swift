import Glibc
import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Datagrams between two hosts, with and without faults.
struct SimulatedDatagramTests {
  /// Sends the numbers below `count` from one host to another, and returns those that arrived, in the order of arrival.
  @discardableResult
  private static func sendNumbers(below count: Int, on runtime: SimulatedRuntime) async throws -> [Int] {
    let host = runtime.host()
    let server = try await host.bindDatagrams(on: .ipv4(host.address, port: 53))
    let client = try await runtime.bindDatagrams(on: .ipv4(.any, port: 0))
    let numbers = Recorder<Int>()
    let receiving = host.spawn {
      while true {
        let datagram = try await server.receive()
        guard datagram.sender == .ipv4(runtime.address, port: client.localAddress.port ?? 0) else { throw Wrong() }
        numbers.record(Int(String(decoding: datagram.bytes, as: UTF8.self)) ?? -1)
      }
    }
    for number in 0..<count {
      try await client.send(Array("\(number)".utf8), to: server.localAddress)
      try await runtime.clock.sleep(for: .milliseconds(1))
    }
    // Some datagrams may still be on their way.
    try await runtime.clock.sleep(for: .seconds(1))
    server.close()
    _ = await receiving.result
    return numbers.elements
  }

  private struct Wrong: Error {}

  @Test func `In a calm network all datagrams arrive, in order`() async throws {
    for plan in [FaultPlan.none, .calm] {
      try await simulate(seeds: 1...20, faults: plan) { runtime in
        let numbers = try await Self.sendNumbers(below: 100, on: runtime)
        #expect(numbers == Array(0..<100))
        #expect(runtime.inventory.datagramSockets == 0)
      }
    }
  }

  @Test func `Datagrams are lost, duplicated and reordered where the plan allows it`() async throws {
    let loss = try await Self.arrived { $0.losses = 0.2 }
    #expect(loss.numbers.count < 100 && loss.numbers == loss.numbers.sorted())
    #expect(loss.faults.contains { $0.hasPrefix("loss of datagram ") && $0.hasSuffix(" from datagram socket 2") })
    let echo = try await Self.arrived { $0.duplicates = 0.2 }
    #expect(echo.numbers.count > 100 && Set(echo.numbers) == Set(0..<100))
    let delay = try await Self.arrived { $0.delays = 0.2 }
    #expect(delay.numbers != delay.numbers.sorted() && delay.numbers.sorted() == Array(0..<100))
  }

  private static func arrived(_ change: (inout FaultPlan) -> Void) async throws -> (numbers: [Int], faults: [String]) {
    var plan = FaultPlan.calm
    change(&plan)
    let numbers = Recorder<[Int]>()
    let report = try await simulate(seed: 7, faults: plan) { numbers.record(try await sendNumbers(below: 100, on: $0)) }
    return (numbers.elements[0], report.faults.map(\.description))
  }

  @Test func `The same seed loses the same datagrams, and the trace shows them`() async throws {
    let first = try await simulate(seed: 3, faults: .rough) { try await Self.sendNumbers(below: 100, on: $0) }
    let second = try await simulate(seed: 3, faults: .rough) { try await Self.sendNumbers(below: 100, on: $0) }
    #expect(first.trace.firstDifference(from: second.trace) == nil)
    let text = first.trace.description
    for words in [
      "binds datagram socket 1 to 10.0.0.2:53", "sends 1 bytes from datagram socket 2 to 10.0.0.2:53",
      "receives 1 bytes at datagram socket 1 from 10.0.0.1:", "meets a fault: loss of datagram",
      "closes datagram socket 1",
    ] {
      #expect(text.contains(words), "\(words)")
    }
  }

  @Test func `What a partition holds up is lost`() async throws {
    try await simulate(seed: 1, faults: .calm) { runtime in
      let host = runtime.host()
      let server = try await host.bindDatagrams(on: .ipv4(host.address, port: 53))
      let client = try await runtime.connectDatagrams(to: server.localAddress)
      #expect(client.localAddress == .ipv4(runtime.address, port: client.localAddress.port ?? 0))
      runtime.link(to: host).partition()
      try await client.send([1])
      runtime.link(to: host).repair()
      try await client.send([2])
      #expect(try await server.receive().bytes == [2])
    }
  }

  @Test func `A queue that is full drops what comes`() async throws {
    try await simulate(seed: 1) { runtime in
      var options = DatagramOptions()
      options.receiveBufferSize = 10_000
      let server = try await runtime.bindDatagrams(on: .loopback(port: 0), options: options)
      let client = try await runtime.connectDatagrams(to: server.localAddress)
      for number in 0..<100 { try await client.send([UInt8(number)]) }
      for number in 0..<13 { #expect(try await server.receive().bytes == [UInt8(number)]) }
      try await client.send([200])
      #expect(try await server.receive().bytes == [200])
    }
  }

  @Test func `A connected socket hears from another host that nothing is bound there, once`() async throws {
    try await simulate(seeds: 1...10, faults: .calm) { runtime in
      let host = runtime.host()
      let client = try await runtime.connectDatagrams(to: .ipv4(host.address, port: 53))
      try await client.send([1])
      await #expect(throws: IOError(.receive, .system(ECONNREFUSED))) { try await client.receive() }
      let server = try await host.bindDatagrams(on: .ipv4(.any, port: 53))
      try await client.send([2])
      #expect(try await server.receive().bytes == [2])
      // A socket that is not connected gets no refusal, and neither does a datagram to an address that no host has.
      let other = try await runtime.bindDatagrams(on: .ipv4(.any, port: 0))
      try await other.send([3], to: .ipv4(host.address, port: 54))
      try await other.send([4], to: .ipv4(IPv4Address(10, 9, 9, 9), port: 53))
      try await other.send([5], to: .ipv4(host.address, port: 53))
      #expect(try await server.receive().bytes == [5])
    }
  }

  @Test func `The failure names the task that waits for a datagram in vain`() async throws {
    do {
      try await simulate(seed: 1) { runtime in
        _ = try await runtime.bindDatagrams(on: .loopback(port: 53)).receive()
      }
      Issue.record("the run did not fail")
    } catch let failure as SimulationFailure {
      #expect(failure.waits == ["task 1 receives from datagram socket 1"])
    }
  }

  @Test func `A host that is shut down closes its sockets for datagrams`() async throws {
    try await simulate(seed: 1) { runtime in
      let host = runtime.host()
      let socket = try await host.bindDatagrams(on: .ipv4(.any, port: 53))
      let receiving = host.spawn { _ = try await socket.receive() }
      await Task.yield()
      await host.shutdown()
      await #expect(throws: IOError(.receive, .closed)) { try await receiving.value }
      #expect(runtime.inventory.datagramSockets == 0)
      await #expect(throws: IOError(.bind, .closed)) { try await host.bindDatagrams(on: .ipv4(.any, port: 53)) }
    }
  }
}

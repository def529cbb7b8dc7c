import Glibc
import Runtime
import RuntimeSimulation
import RuntimeTesting
import Testing

/// The verbs of links between hosts, and their effects on streams and datagrams.
struct SimulatedLinkTests {
  /// Two hosts with a stream and datagram sockets between them.
  private struct Pair {
    let near: SimulatedRuntime
    let far: SimulatedRuntime
    let listener: SimulatedListener
    let nearStream: SimulatedStream
    let farStream: SimulatedStream
    let nearSocket: SimulatedDatagrams
    let farSocket: SimulatedDatagrams

    init(in runtime: SimulatedRuntime) async throws {
      near = runtime.host()
      far = runtime.host()
      listener = try await far.listen(on: .ipv4(far.address, port: 80))
      nearStream = try await near.connect(to: listener.localAddress)
      farStream = try await listener.accept()
      nearSocket = try await near.bindDatagrams(on: .ipv4(near.address, port: 53))
      farSocket = try await far.bindDatagrams(on: .ipv4(far.address, port: 53))
    }

    var link: SimulatedLink { near.link(to: far) }

    /// Sends `number` by stream and by datagram from the near host to the far one.
    func send(_ number: UInt8) async throws {
      try await nearStream.write([number])
      try await nearSocket.send([number], to: farSocket.localAddress)
    }

    /// Sends `number` by stream and by datagram from the far host to the near one.
    func sendBack(_ number: UInt8) async throws {
      try await farStream.write([number])
      try await farSocket.send([number], to: nearSocket.localAddress)
    }
  }

  private static func time(_ runtime: SimulatedRuntime) -> Duration { runtime.clock.now.offset }

  @Test func `A one-way partition delays streams and loses datagrams that way, and does not affect the other`()
    async throws
  {
    try await simulate(seeds: 1...20, faults: .calm) { runtime in
      let pair = try await Pair(in: runtime)
      pair.link.partitionOneway()
      try await pair.send(1)
      try await pair.sendBack(2)
      #expect(try await pair.nearStream.read() == [2])
      #expect(try await pair.nearSocket.receive().bytes == [2])
      try await runtime.clock.sleep(for: .seconds(10))
      #expect(pair.farStream.attribute(PendingInput.self)?.isThere == false)
      pair.link.repairOneway()
      #expect(try await pair.farStream.read() == [1])
      #expect(Self.time(runtime) >= .seconds(10))
      try await pair.send(3)
      #expect(try await pair.farStream.read() == [3])
      #expect(try await pair.farSocket.receive().bytes == [3])
    }
  }

  @Test func `A partition blocks both ways, and a connection attempt gives up after 127 s`() async throws {
    try await simulate(seeds: 1...20, faults: .calm) { runtime in
      let pair = try await Pair(in: runtime)
      pair.link.partition()
      let start = Self.time(runtime)
      try await pair.sendBack(1)
      await #expect(throws: IOError(.connect, .system(ETIMEDOUT))) {
        try await pair.near.connect(to: .ipv4(pair.far.address, port: 80))
      }
      #expect(Self.time(runtime) - start == .seconds(127))
      #expect(pair.nearStream.attribute(PendingInput.self)?.isThere == false)
      pair.link.repair()
      #expect(try await pair.nearStream.read() == [1])
    }
  }

  @Test func `An attempt to connect needs both ways`() async throws {
    try await simulate(seeds: 1...20, faults: .calm) { runtime in
      let pair = try await Pair(in: runtime)
      pair.link.partition()
      pair.link.repairOneway()
      let connecting = pair.near.spawn {
        _ = try await pair.near.connect(to: .ipv4(pair.far.address, port: 80))
        return Self.time(runtime)
      }
      try await runtime.clock.sleep(for: .seconds(5))
      pair.link.repair()
      #expect(try await connecting.value >= .seconds(5))
    }
  }

  @Test func `What is held is lost neither as a stream nor as datagrams, and comes in order when it is released`()
    async throws
  {
    try await simulate(seeds: 1...20, faults: .calm) { runtime in
      let pair = try await Pair(in: runtime)
      pair.link.hold()
      for number: UInt8 in 1...5 { try await pair.send(number) }
      try await runtime.clock.sleep(for: .seconds(10))
      #expect(pair.farStream.attribute(PendingInput.self)?.isThere == false)
      pair.link.release()
      for number: UInt8 in 1...5 { #expect(try await pair.farSocket.receive().bytes == [number]) }
      #expect(Self.time(runtime) >= .seconds(10))
      var bytes: [UInt8] = []
      while bytes.count < 5 { bytes += try await pair.farStream.read() }
      #expect(bytes == [1, 2, 3, 4, 5])
    }
  }

  @Test func `A link has a latency of its own, and other links have theirs`() async throws {
    try await simulate(seeds: 1...5) { runtime in
      let pair = try await Pair(in: runtime)
      pair.link.setLatency(.milliseconds(50) ... .milliseconds(50))
      try await pair.send(1)
      #expect(try await pair.farStream.read() == [1])
      #expect(try await pair.farSocket.receive().bytes == [1])
      #expect(Self.time(runtime) == .milliseconds(50))
      try await pair.sendBack(1)
      #expect(try await pair.nearStream.read() == [1])
      #expect(Self.time(runtime) == .milliseconds(100))
      _ = try await runtime.connect(to: .ipv4(pair.far.address, port: 80))
      #expect(Self.time(runtime) == .milliseconds(100))
      pair.link.setLatency(nil)
      try await pair.send(2)
      #expect(try await pair.farStream.read() == [2])
      #expect(Self.time(runtime) == .milliseconds(100))
    }
  }

  @Test func `What a link loses of streams comes later, what it loses of datagrams does not come`() async throws {
    try await simulate(seeds: 1...5) { runtime in
      let pair = try await Pair(in: runtime)
      pair.link.setLosses(1)
      try await pair.send(1)
      #expect(try await pair.farStream.read() == [1])
      // Ten losses in a row, with a delay of 0.2 s for the first and twice as much for each after it.
      #expect(Self.time(runtime) == .milliseconds(200 * 1023))
      #expect(pair.nearStream.faults.map(\.kind) == Array(repeating: .loss, count: 10))
      pair.link.setLosses(nil)
      try await pair.send(2)
      #expect(try await pair.farStream.read() == [2])
      #expect(try await pair.farSocket.receive().bytes == [2])
    }
  }

  @Test func `Losses are drawn from the seed, and a failure is shrunk to them`() async throws {
    do {
      try await simulate(seeds: 1...100) { runtime in
        let pair = try await Pair(in: runtime)
        pair.link.setLosses(0.1)
        for number: UInt8 in 1...20 {
          try await pair.send(number)
          #expect(try await pair.farStream.read() == [number])
        }
        // Only two losses in a row take that long.
        if pair.nearStream.faults.contains(where: { $0.description.hasSuffix("attempt 2") }) { throw Slow() }
      }
      Issue.record("nothing was lost twice")
    } catch let failure as SimulationFailure {
      #expect(failure.faults.count == 2)
      #expect(failure.faults.allSatisfy { $0.description.contains(" bytes at the client's end of connection 1") })
    }
  }

  private struct Slow: Error {}

  @Test func `The trace tells of each verb`() async throws {
    let report = try await simulate(seed: 1) { runtime in
      let link = runtime.link(to: runtime.host())
      link.partition()
      link.repair()
      link.partitionOneway()
      link.repairOneway()
      link.hold()
      link.release()
      link.setLatency(.zero ... .seconds(1))
      link.setLosses(0.5)
      link.setLosses(nil)
    }
    let text = report.trace.description
    for words in [
      "partitions the link between host 1 and host 2", "repairs the link between host 1 and host 2",
      "partitions the link from host 1 to host 2", "repairs the link from host 1 to host 2",
      "holds what is sent between host 1 and host 2", "releases what is held between host 1 and host 2",
      "sets the latency between host 1 and host 2 to 0 s to 1 s", "sets the losses between host 1 and host 2 to 0.5",
      "sets the losses between host 1 and host 2 to those of the plan",
    ] {
      #expect(text.contains(words), "\(words)")
    }
  }
}

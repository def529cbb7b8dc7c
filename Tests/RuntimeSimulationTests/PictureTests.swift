import Glibc
import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The contents of the picture of a failed run. `scripts/check-picture` makes a browser draw the two scenes.
struct PictureTests {
  private struct Broken: Error {}
  private struct NothingFailed: Error {}

  private static func failure(
    faults: FaultPlan = .none, _ body: @escaping @Sendable (SimulatedRuntime) async throws -> Void
  ) async throws -> SimulationFailure {
    do {
      try await simulate(seed: 1, faults: faults, body)
    } catch let failure as SimulationFailure {
      return failure
    }
    throw NothingFailed()
  }

  /// A client, a proxy and a server, one of which throws when a connection is reset.
  private static func shortScene() async throws -> SimulationFailure {
    var faults = FaultPlan.calm
    faults.resets = 0.2
    faults.resetsWithin = 100
    faults.delays = 0.2
    return try await failure(faults: faults) { runtime in
      let (proxy, server) = (runtime.host(), runtime.host())
      let listeners = (
        try await proxy.listen(on: .ipv4(.any, port: 80)), try await server.listen(on: .ipv4(.any, port: 80))
      )
      proxy.spawn(name: "the proxy") {
        while true {
          let near = try await listeners.0.accept()
          proxy.spawn(name: "a <request>") {
            let far = try await proxy.connect(to: .ipv4(server.address, port: 80))
            try await far.write(try await near.read(upTo: 100))
            try await near.write(try await far.read(upTo: 100))
          }
        }
      }
      server.spawn(name: "the server") {
        while true {
          let stream = try await listeners.1.accept()
          server.execute { try? await stream.write(try await stream.read(upTo: 100)) }
        }
      }
      for number in 1...20 {
        let stream = try await runtime.connect(to: .ipv4(proxy.address, port: 80))
        runtime.note("asks \(number)")
        try await stream.write("question \(number)")
        if try await stream.read(upTo: 100).isEmpty { throw Broken() }
        try await runtime.clock.sleep(for: .seconds(1))
      }
    }
  }

  /// A run of more than twenty thousand events. One datagram in it is lost, so that one of five clients waits forever.
  private static func longScene() async throws -> SimulationFailure {
    var faults = FaultPlan.calm
    faults.losses = 0.0002
    return try await failure(faults: faults) { runtime in
      let other = runtime.host()
      let echo = try await other.bindDatagrams(on: .ipv4(other.address, port: 7))
      other.spawn(name: "the echo") {
        while true {
          let datagram = try await echo.receive(upTo: 100)
          if let sender = datagram.sender { try await echo.send(datagram.bytes, to: sender) }
        }
      }
      let clients = (1...5).map { number in
        runtime.spawn(name: "client \(number)") {
          let socket = try await runtime.bindDatagrams(on: .ipv4(runtime.address, port: 0))
          for _ in 0..<800 {
            try await socket.send([0], to: echo.localAddress)
            _ = try await socket.receive(upTo: 100)
          }
        }
      }
      for client in clients { try await client.value }
    }
  }

  @Test func `The picture of a short run holds its hosts, messages and faults, and all of its events`() async throws {
    let failure = try await Self.shortScene()
    #expect(failure.faults.count == 1)
    #expect(failure.faultCount > 1)
    let picture = failure.picture
    for part in [
      "10.0.0.3", "task 3 \\\"the proxy\\\"", "a \\u003crequest>", "notes: asks 2",
      "\"text\":\"meets a fault: \(failure.faults[0])\"",
      "\"from\":[", "it threw Broken()",
    ] {
      #expect(picture.contains(part), "no \(part)")
    }
    #expect(!picture.contains("\"kind\":\"gap\""))
  }

  @Test func `The picture of a long run shows its end and what was around the fault, and says what it leaves out`()
    async throws
  {
    let failure = try await Self.longScene()
    #expect(failure.trace.lines.count > 20_000)
    let (fault, picture) = (try #require(failure.faults.first), failure.picture)
    #expect(picture.contains("\"kind\":\"gap\""))
    #expect(picture.contains("meets a fault: \(fault)"))
    #expect(picture.contains("waits: receives from"))
    #expect(picture.utf8.count < 1_000_000)
  }

  @Test func `The picture folds what is repeated, and what only ticks`() async throws {
    let failure = try await Self.failure { runtime in
      let (near, far) = try await runtime.connectedPair()
      let ticking = runtime.spawn {
        while true { try await runtime.clock.sleep(for: .seconds(1)) }
      }
      try await runtime.clock.sleep(for: .seconds(1000))
      ticking.cancel()
      _ = await ticking.result
      for _ in 0..<1000 {
        try await near.write([0])
        _ = try await far.read(upTo: 1)
      }
      throw Broken()
    }
    let picture = failure.picture
    // The first and the last are shown.
    #expect(picture.contains("998 times more"))
    #expect(picture.contains("nothing else happened"))
    #expect(picture.split(separator: "\"count\":").count < 50)
  }

  @Test func `A run that fails at once has a picture`() async throws {
    let failure = try await Self.failure { _ in throw Broken() }
    #expect(failure.picture.contains("it threw Broken()"))
  }

  @Test func `The environment has a failed run drawn, and no other`() async throws {
    let path = temporaryPath()
    defer { unlink(path) }
    await #expect(processExitsWith: .success) { [path = path as String] in
      setenv("SIMULATION_PICTURE", path, 1)
      try await simulate(seed: 1) { _ in }
      #expect(access(path, F_OK) != 0)
      let failure = try await Self.failure { _ in throw Broken() }
      let file = try #require(fopen(path, "r"))
      defer { fclose(file) }
      var bytes = [UInt8](repeating: 0, count: 1 << 20)
      let count = fread(&bytes, 1, bytes.count, file)
      #expect(bytes.prefix(count).elementsEqual(failure.picture.utf8))
    }
  }
}

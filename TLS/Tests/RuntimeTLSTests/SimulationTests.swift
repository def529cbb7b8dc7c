import CCertificates
import Runtime
import RuntimePrimitives
import RuntimeSimulation
import RuntimeTLS
import Testing

/// Both ends in a simulated network. OpenSSL's random bytes come from the seed here, so that a seed repeats a run to
/// the byte.
@Suite(.timeLimit(.minutes(2))) struct SimulationTests {
  /// Echoes `bytes` from a client through a server, and returns whether both got them.
  private func echo(
    _ bytes: [UInt8], on runtime: SimulatedRuntime, _ source: TLSSource, _ context: TLSContext
  ) async throws -> Bool {
    seed_random_numbers(runtime.seed)
    let listener = TLSListener(try await runtime.listen(on: .loopback(port: 0)), source: source)
    defer { listener.close() }
    let serving = runtime.spawn {
      let stream = try await listener.accept()
      do {
        while case let some = try await stream.read(), !some.isEmpty { try await stream.write(some) }
        try await stream.shutdownWrite()
      } catch {
        stream.close()
        throw error
      }
      stream.close()
    }
    defer { serving.cancel() }
    let stream = try TLSStream(
      client: try await runtime.connect(to: listener.localAddress), name: "localhost", context: context)
    defer { stream.close() }
    let writing = runtime.spawn {
      try await stream.write(bytes)
      try await stream.shutdownWrite()
    }
    let echoed = try await stream.readAll()
    try await writing.value
    return echoed == bytes
  }

  @Test func `In a calm network everything arrives, however it is split`() async throws {
    let (source, context) = (try TLSSource(.server()), try TLSContext(.client()))
    var faults = FaultPlan.calm
    (faults.delays, faults.shortReads, faults.shortWrites, faults.fullBuffers) = (0.1, 0.3, 0.3, 0.1)
    try await simulate(seeds: 1...20, faults: faults) { runtime in
      let isWhole = try await echo(pattern(200_001), on: runtime, source, context)
      #expect(isWhole)
    }
  }

  @Test func `In a rough network no wrong bytes arrive, and nothing leaks`() async throws {
    let (source, context) = (try TLSSource(.server()), try TLSContext(.client()))
    try await simulate(seeds: 1...40, faults: .rough) { runtime in
      do {
        let isWhole = try await echo(pattern(50_001), on: runtime, source, context)
        #expect(isWhole)
      } catch let error as IOError {
        // The error comes from the network, and not from the protocol.
        #expect(error.failure.map(\.isTruncation) ?? true, "\(error)")
      }
    }
  }

  @Test func `A seed repeats the bytes of a handshake, and another has others`() async throws {
    let hello = try await self.hello(seed: 1)
    #expect(try await self.hello(seed: 1) == hello)
    #expect(try await self.hello(seed: 2) != hello)
    let source = try TLSSource(.server())
    let answer = try await answer(to: hello, source, seed: 1)
    #expect(try await self.answer(to: hello, source, seed: 1) == answer)
    #expect(try await self.answer(to: hello, source, seed: 2) != answer)
  }

  /// The first flight of a client.
  private func hello(seed: UInt64) async throws -> [UInt8] {
    let context = try TLSContext(.client())
    return try await said(seed: seed) { near, far in
      let client = try TLSStream(client: near, name: "localhost", context: context)
      async let end: Void? = try? client.handshake()
      let hello = try await far.read()
      far.close()
      await end
      return hello
    }
  }

  /// The server's answer to a client's first flight.
  private func answer(to hello: [UInt8], _ source: TLSSource, seed: UInt64) async throws -> [UInt8] {
    try await said(seed: seed) { near, far in
      let server = try TLSStream(server: near, source: source)
      async let end: Void? = try? server.handshake()
      try await far.write(hello)
      let answer = try await far.read(upTo: 65_536)
      far.close()
      await end
      return answer
    }
  }

  /// The result of `body` in a simulation, with both ends of a connection.
  private func said(
    seed: UInt64, _ body: @escaping @Sendable (SimulatedStream, SimulatedStream) async throws -> [UInt8]
  ) async throws -> [UInt8] {
    let said = Lock<[UInt8]>([])
    try await simulate(seed: seed) { runtime in
      seed_random_numbers(runtime.seed)
      let listener = try await runtime.listen(on: .loopback(port: 0))
      let near = try await runtime.connect(to: listener.localAddress)
      let bytes = try await body(near, try await listener.accept())
      near.close()
      listener.close()
      said.withLock { $0 = bytes }
    }
    return said.withLock { $0 }
  }
}

import Runtime
import RuntimeSimulation
import RuntimeTLS
import Testing

/// Both ends in a simulated network. What OpenSSL draws at random is not the seed's: the bytes of a run are others the next
/// time, and so may be their number, by the length of a signature.
@Suite(.timeLimit(.minutes(2))) struct SimulationTests {
  /// Has a client ask a server for `bytes` again, and says whether both got them.
  private func echo(
    _ bytes: [UInt8], on runtime: SimulatedRuntime, _ source: TLSSource, _ context: TLSContext
  ) async throws -> Bool {
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

  @Test func `In a calm network everything arrives, in whatever pieces`() async throws {
    let (source, context) = (try TLSSource(.server()), try TLSContext(.client()))
    var faults = FaultPlan.calm
    (faults.delays, faults.shortReads, faults.shortWrites, faults.fullBuffers) = (0.1, 0.3, 0.3, 0.1)
    try await simulate(seeds: 1...20, faults: faults) { runtime in
      let isWhole = try await echo(pattern(200_001), on: runtime, source, context)
      #expect(isWhole)
    }
  }

  @Test func `In a rough network nothing wrong arrives, and nothing is left over`() async throws {
    let (source, context) = (try TLSSource(.server()), try TLSContext(.client()))
    try await simulate(seeds: 1...40, faults: .rough) { runtime in
      do {
        let isWhole = try await echo(pattern(50_001), on: runtime, source, context)
        #expect(isWhole)
      } catch let error as IOError {
        // The network, and never the protocol.
        #expect(error.failure.map(\.isTruncation) ?? true, "\(error)")
      }
    }
  }
}

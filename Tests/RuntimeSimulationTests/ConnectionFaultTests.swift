import Glibc
import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The faults that a simulation gives each connection, and what it reports of them.
struct ConnectionFaultTests {
  /// Connects from separate hosts to a host that echoes, and calls `body` with each connection.
  private static func echo(
    on runtime: SimulatedRuntime, connections: Int,
    _ body: @escaping @Sendable (SimulatedStream) async throws -> Void
  ) async throws {
    let server = runtime.host()
    let listener = try await server.listen(on: .ipv4(server.address, port: 80))
    server.spawn {
      while true {
        let stream = try await listener.accept()
        server.spawn {
          while let bytes = try? await stream.read(), !bytes.isEmpty { try? await stream.write(bytes) }
          stream.close()
        }
      }
    }
    try await withThrowingTaskGroup { group in
      for _ in 0..<connections {
        let client = runtime.host()
        group.addTask {
          guard let stream = try? await client.connect(to: listener.localAddress) else { return }
          try await body(stream)
          stream.close()
        }
      }
      try await group.waitForAll()
    }
  }

  @Test func `A connection breaks if and only if it has been dealt a reset`() async throws {
    let ends = Recorder<Bool>()
    var faults = FaultPlan.rough
    (faults.resets, faults.resetsWithin) = (0.3, 1000)
    try await simulate(seeds: 1...50, faults: faults) { runtime in
      try await Self.echo(on: runtime, connections: 5) { stream in
        var hasBroken = false
        do {
          for number in 0..<10 {
            let message = [UInt8](repeating: UInt8(number), count: 100)
            try await stream.write(message)
            var count = 0
            while count < message.count {
              let some = try await stream.read()
              if some.isEmpty { throw IOError(.read, .system(ECONNRESET)) }
              count += some.count
            }
          }
        } catch is IOError {
          hasBroken = true
        }
        ends.record(hasBroken)
        guard stream.faults.contains(where: { $0.kind == .reset }) == hasBroken else { throw Wrong() }
      }
    }
    #expect(Set(ends.elements) == [true, false])
  }

  @Test func `Faults of one connection are not reported for another, and the runtime reports all`() async throws {
    let kinds = Recorder<Fault.Kind>()
    try await simulate(seeds: 1...50, faults: .rough) { runtime in
      let told = Recorder<Fault>()
      try await Self.echo(on: runtime, connections: 5) { stream in
        _ = try? await stream.write([UInt8](repeating: 1, count: 5000))
        try? stream.shutdownWrite()
        _ = try? await stream.readToEnd()
        for fault in stream.faults { told.record(fault) }
        let connections = Set(stream.faults.filter { $0.kind != .partition }.map(\.connection))
        guard connections.count <= 1, Set(stream.faults).count == stream.faults.count else { throw Wrong() }
      }
      for fault in told.elements { kinds.record(fault.kind) }
      guard Set(told.elements).isSubset(of: runtime.faults) else { throw Wrong() }
    }
    let seen = Set(kinds.elements)
    #expect(seen == [.delay, .shortRead, .shortWrite, .fullBuffer, .reset, .acceptFailure, .partition])
  }

  private struct Wrong: Error {}

  @Test func `Leaving one fault out leaves the others as they were`() async throws {
    var faults = FaultPlan.rough
    // Leaves out partitions, because their times are places too, and leaving out another fault may move data into
    // another period. Leaves out short writes as well: both parts of a split message may arrive at once, and then the
    // order of tasks decides how it is read.
    (faults.partitions, faults.resets, faults.refusals, faults.shortWrites) = (0, 0, 0, 0)
    let length = 100
    let body: @Sendable (SimulatedRuntime) async throws -> Void = { runtime in
      try await Self.echo(on: runtime, connections: 3) { stream in
        for _ in 0..<10 {
          try await stream.write([UInt8](repeating: 1, count: length))
          var count = 0
          while count < length { count += try await stream.read().count }
        }
      }
    }
    var tried = 0
    for seed: UInt64 in 1...10 {
      let all = try await simulate(seed: seed, faults: faults, body).faults
      for omitted in all.prefix(10) {
        var without = faults
        without.omitted = [omitted]
        let rest = try await simulate(seed: seed, faults: without, body).faults
        // A piece that is split differently meets other faults within the same message. Whether the last end of a
        // stream arrives before the run is over depends on which connection is the last.
        func counts(_ fault: Fault) -> Bool {
          let message = fault.place.position / length
          return message < 10
            && (fault.place.owner != omitted.place.owner || message != omitted.place.position / length)
        }
        let differences = Set(rest.filter(counts)).symmetricDifference(all.filter(counts))
        #expect(differences.isEmpty, "seed \(seed) without \(omitted)")
        tried += 1
      }
    }
    #expect(tried == 100)
  }
}

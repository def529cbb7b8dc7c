import Glibc
import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Hosts that crash and start again.
struct CrashTests {
  /// The program of a host that echoes.
  private static func echo(_ host: SimulatedRuntime) async throws {
    let listener = try await host.listen(on: .ipv4(.any, port: 80))
    while true {
      let stream = try await listener.accept()
      host.spawn {
        while let bytes = try? await stream.read(), !bytes.isEmpty { try await stream.write(bytes) }
        stream.close()
      }
    }
  }

  private static func address(_ host: SimulatedRuntime) -> SocketAddress { .ipv4(host.address, port: 80) }

  actor Tally {
    var count = 0
    func add() { count += 1 }
    func addAll(_ number: Int, _ clock: SimulatedClock) async throws {
      for _ in 0..<number {
        count += 1
        try await clock.sleep(for: .milliseconds(1))
      }
    }
  }

  @Test func `No task of a crashed host runs again, and the run ends without remaining tasks`()
    async throws
  {
    let sum = Recorder<Int>()
    try await simulate(seeds: 1...50) { runtime in
      let ticks = Recorder<Int>()
      let stream = AsyncStream<Void>.makeStream()
      let tally = Tally()
      let server = runtime.host { host in
        let listener = try await host.listen(on: .ipv4(.any, port: 80))
        let socket = try await host.bindDatagrams(on: .ipv4(.any, port: 53))
        host.spawn { for await _ in stream.stream { ticks.record(0) } }
        host.spawn { while true { try await tally.addAll(3, host.clock) } }
        host.spawn {
          _ = try? await listener.accept()
          ticks.record(0)
        }
        host.spawn {
          _ = try? await socket.receive()
          ticks.record(0)
        }
        host.spawn {
          while true {
            try await host.runBlocking { ticks.record(1) }
            try await host.clock.sleep(for: .seconds(1))
          }
        }
        Task.detached {
          while true {
            ticks.record(2)
            try await Task.sleep(for: .milliseconds(1))
          }
        }
        Task {
          while true {
            for _ in 0..<10 { await Task.yield() }
            ticks.record(3)
            try await Task.sleep(for: .microseconds(500))
          }
        }
        host.spawn {
          await withTaskGroup { group in
            for number in 4..<7 {
              group.addTask {
                defer { ticks.record(0) }
                while true {
                  ticks.record(number)
                  try? await host.clock.sleep(for: .milliseconds(7))
                }
              }
            }
          }
        }
        while true {
          ticks.record(7)
          try await ContinuousClock().sleep(for: .milliseconds(3))
        }
      }
      try await runtime.clock.sleep(for: .milliseconds(.random(in: 1...20)))
      server.crash()
      let count = ticks.elements.count
      stream.continuation.yield()
      await tally.add()
      let tallied = await tally.count
      let time = runtime.clock.now
      // No time is left to wait for, except the test's own.
      let left = runtime.inventory
      #expect(left.tasks == 0 && left.timers == 0 && left.listeners == 0 && left.datagramSockets == 0)
      #expect(left.waits.isEmpty)
      try await runtime.clock.sleep(for: .seconds(10))
      #expect(time.duration(to: runtime.clock.now) == .seconds(10))
      #expect(ticks.elements.count == count)
      #expect(await tally.count == tallied)
      #expect(!ticks.elements.contains(0))
      for tick in Set(ticks.elements) { sum.record(tick) }
    }
    #expect(Set(sum.elements) == Set(1...7))
  }

  @Test func `An actor that a dead task was to run on serves the living`() async throws {
    try await simulate(seeds: 1...100) { runtime in
      let tally = Tally()
      let server = runtime.host { host in
        for _ in 0..<5 {
          host.spawn {
            while true {
              await tally.add()
              await Task.yield()
            }
          }
        }
      }
      for _ in 0..<20 { await tally.add() }
      server.crash()
      await tally.add()
      let count = await tally.count
      try await runtime.clock.sleep(for: .seconds(1))
      #expect(await tally.count == count)
    }
  }

  @Test func `Peers find their connections reset, or hear nothing until the host is there again`() async throws {
    try await simulate(seeds: 1...20, faults: .calm) { runtime in
      for connections in CrashedConnections.allCases {
        let server = runtime.host { try await Self.echo($0) }
        try await runtime.clock.sleep(for: .milliseconds(1))
        let stream = try await runtime.connect(to: Self.address(server))
        try await stream.write([1])
        #expect(try await stream.read() == [1])
        server.crash(connections: connections)
        #expect(!server.isUp)
        if connections == .silent {
          await #expect(throws: TimedOut(name: nil)) {
            try await withTimeout(.seconds(100), on: runtime.clock) { try await stream.read() }
          }
          // Data that is not acknowledged takes up room.
          await #expect(throws: TimedOut(name: nil)) {
            try await withTimeout(.seconds(100), on: runtime.clock) {
              try await stream.write([UInt8](repeating: 1, count: 1_000_000))
            }
          }
          server.restart()
          #expect(server.isUp)
        }
        await #expect(throws: IOError(.read, .system(ECONNRESET))) { try await stream.read() }
        server.restart()
      }
    }
  }

  @Test func `A connection attempt to a crashed host is refused, or waits`() async throws {
    try await simulate(seeds: 1...20, faults: .calm) { runtime in
      let server = runtime.host { try await Self.echo($0) }
      try await runtime.clock.sleep(for: .milliseconds(1))
      server.crash(connections: .reset)
      await #expect(throws: IOError(.connect, .system(ECONNREFUSED))) {
        try await runtime.connect(to: Self.address(server))
      }
      server.restart()
      try await runtime.clock.sleep(for: .milliseconds(1))
      server.crash(connections: .silent)
      let start = runtime.clock.now
      await #expect(throws: IOError(.connect, .system(ETIMEDOUT))) {
        try await runtime.connect(to: Self.address(server))
      }
      #expect(start.duration(to: runtime.clock.now) == .seconds(127))
      let connecting = runtime.spawn {
        // The program may not listen yet when the host answers again.
        _ = try await runtime.connect(to: .ipv4(server.address, port: 80))
        return runtime.clock.now
      }
      try await runtime.clock.sleep(for: .seconds(10))
      server.restart()
      let end = try? await connecting.value
      #expect(end.map { start.duration(to: $0) >= .seconds(137) } ?? true)
    }
  }

  @Test func `A datagram to a crashed host is refused, or nothing comes of it`() async throws {
    try await simulate(seeds: 1...20, faults: .calm) { runtime in
      let server = runtime.host { host in
        let socket = try await host.bindDatagrams(on: .ipv4(.any, port: 53))
        while true { _ = try await socket.receive() }
      }
      try await runtime.clock.sleep(for: .milliseconds(1))
      let socket = try await runtime.connectDatagrams(to: .ipv4(server.address, port: 53))
      server.crash(connections: .silent)
      try await socket.send([1])
      await #expect(throws: TimedOut(name: nil)) {
        try await withTimeout(.seconds(100), on: runtime.clock) { try await socket.receive() }
      }
      server.restart()
      server.crash(connections: .reset)
      try await socket.send([1])
      await #expect(throws: IOError(.receive, .system(ECONNREFUSED))) { try await socket.receive() }
    }
  }

  @Test func `A host that is started again runs its program from the beginning, at the same address`() async throws {
    try await simulate(seeds: 1...20, faults: .calm) { runtime in
      let starts = Recorder<Int>()
      let server = runtime.host { host in
        var count = 0
        starts.record(count)
        let listener = try await host.listen(on: .ipv4(.any, port: 80))
        while true {
          _ = try await listener.accept()
          count += 1
        }
      }
      for _ in 0..<5 {
        try await runtime.clock.sleep(for: .milliseconds(1))
        _ = try await runtime.connect(to: Self.address(server))
        // A host that is up crashes first.
        server.restart()
      }
      try await runtime.clock.sleep(for: .milliseconds(1))
      #expect(starts.elements == [0, 0, 0, 0, 0, 0])
      #expect(runtime.inventory.listeners == 1)
      #expect(runtime.inventory.tasks == 1)
    }
  }

  @Test func `A host that has been shut down lets nothing be begun until it is started again`() async throws {
    try await simulate(seeds: 1...20) { runtime in
      let server = runtime.host { try await Self.echo($0) }
      await Task.yield()
      server.spawn { while true { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } } }
      await server.shutdown()
      await #expect(throws: IOError(.listen, .closed)) { try await server.listen(on: .ipv4(.any, port: 80)) }
      await #expect(throws: IOError(.connect, .closed)) { try await server.connect(to: Self.address(runtime)) }
      server.restart()
      try await runtime.clock.sleep(for: .milliseconds(1))
      let stream = try await runtime.connect(to: Self.address(server))
      try await stream.write([1])
      #expect(try await stream.read() == [1])
    }
  }

  @Test func `Operations of the test on a crashing host end with an error`() async throws {
    try await simulate(seeds: 1...20) { runtime in
      let host = runtime.host()
      let listener = try await host.listen(on: .ipv4(.any, port: 80))
      let stream = try await host.connect(to: listener.localAddress)
      async let accepted = listener.accept()
      let other = try await accepted
      let errors = Recorder<String>()
      await withDiscardingTaskGroup { group in
        let operations: [@Sendable () async throws -> Void] = [
          { _ = try await listener.accept() }, { _ = try await stream.read() },
          { try await host.clock.sleep(for: .seconds(1)) },
        ]
        for operation in operations {
          group.addTask {
            do { try await operation() } catch { errors.record("\(error)") }
          }
        }
        try? await runtime.clock.sleep(for: .milliseconds(1))
        host.crash()
      }
      #expect(errors.elements.sorted() == ["CancellationError()", "accept: closed", "read: closed"])
      #expect(runtime.clock.now.offset == .milliseconds(1))
      await #expect(throws: IOError(.bind, .closed)) { try await host.bindDatagrams(on: .ipv4(.any, port: 53)) }
      await #expect(throws: CancellationError.self) { try await host.clock.sleep(for: .seconds(1)) }
      host.restart()
      _ = try await host.listen(on: .ipv4(.any, port: 80))
      withExtendedLifetime(other) {}
    }
  }

  @Test func `A task that crashes its own host has no further effect`() async throws {
    try await simulate(seeds: 1...20, faults: .calm) { runtime in
      let steps = Recorder<String>()
      let listener = try await runtime.listen(on: .ipv4(.any, port: 80))
      let host = runtime.host { host in
        let stream = try await host.connect(to: .ipv4(runtime.address, port: 80))
        try await stream.write([1])
        host.crash(connections: .reset)
        do {
          _ = try stream.tryWrite([2].span.bytes)
        } catch {
          steps.record("\(error)")
        }
        do {
          _ = try await host.listen(on: .ipv4(.any, port: 80))
        } catch {
          steps.record("\(error)")
        }
        host.spawn { steps.record("spawned") }
        host.restart()
        host.spawn { steps.record("spawned") }
        await Task.yield()
        steps.record("resumed")
      }
      let stream = try await listener.accept()
      await #expect(throws: IOError(.read, .system(ECONNRESET))) {
        while true {
          let bytes = try await stream.read()
          #expect(bytes == [1])
        }
      }
      host.crash()
      try await runtime.clock.sleep(for: .seconds(1))
      #expect(Set(steps.elements) == ["write: closed", "listen: closed"])
    }
  }

  @Test func `What a program throws fails the run, unless its host has been shut down`() async throws {
    struct Broken: Error {}
    try await simulate(seed: 1) { runtime in
      let host = runtime.host { try await $0.clock.sleep(for: .seconds(10)) }
      try await runtime.clock.sleep(for: .seconds(1))
      await host.shutdown()
    }
    do {
      try await simulate(seed: 1) { runtime in
        _ = runtime.host { _ in throw Broken() }
        try await runtime.clock.sleep(for: .seconds(1))
      }
      Issue.record("the run did not fail")
    } catch let failure as SimulationFailure {
      guard case .thrown(let error) = failure.cause else { throw failure }
      #expect(error is Broken)
    }
  }

  // MARK: Crashes by chance

  private static var crashing: FaultPlan {
    var faults = FaultPlan.calm
    faults.crashes = 0.3
    return faults
  }

  /// Sends requests to an echo server for a minute, and gives up each that is not answered within a second.
  private static func ask(_ runtime: SimulatedRuntime, _ server: SimulatedRuntime) async throws {
    while runtime.clock.now.offset < .seconds(60) {
      try? await withTimeout(.seconds(1), on: runtime.clock) {
        let stream = try await runtime.connect(to: Self.address(server))
        try await stream.write([1])
        if try await stream.read() == [1] { runtime.note("is answered") }
      }
      try await runtime.clock.sleep(for: .milliseconds(500))
    }
  }

  @Test func `Hosts that run a program crash where the plan says so, and are started again, the same in each run`()
    async throws
  {
    let counts = Recorder<Int>()
    for seed: UInt64 in 1...5 {
      let body: @Sendable (SimulatedRuntime) async throws -> Void = { runtime in
        let server = runtime.host { try await Self.echo($0) }
        try await Self.ask(runtime, server)
        #expect(runtime.faults.allSatisfy { $0.kind == .crash && $0.description.hasPrefix("crash of host 2, period ") })
        counts.record(runtime.faults.count)
      }
      let first = try await simulate(seed: seed, faults: Self.crashing, body)
      let second = try await simulate(seed: seed, faults: Self.crashing, body)
      #expect(first.trace.firstDifference(from: second.trace) == nil)
      let lines = first.trace.lines
      #expect(lines.count { $0.contains("crashes host 2") } == first.faults.count)
      // The last outage may go on after the run.
      #expect(lines.count { $0.contains("starts host 2 again") } >= first.faults.count - 1)
      #expect(lines.last { $0.contains("is answered") } != nil)
    }
    #expect(Set(counts.elements).count > 1 && counts.elements.allSatisfy { $0 <= 3 })
  }

  @Test func `A failure is shrunk to the crash that it takes`() async throws {
    struct Forgotten: Error {}
    var faults = Self.crashing
    (faults.resets, faults.delays, faults.shortReads) = (0.02, 0.05, 0.2)
    do {
      try await simulate(seeds: 1...100, faults: faults) { runtime in
        let server = runtime.host { host in
          var count = 0
          let listener = try await host.listen(on: .ipv4(.any, port: 80))
          while true {
            let stream = try await listener.accept()
            count += 1
            try? await stream.write([UInt8(truncatingIfNeeded: count)])
            stream.close()
          }
        }
        var last: UInt8 = 0
        while runtime.clock.now.offset < .seconds(60) {
          try? await runtime.clock.sleep(for: .seconds(1))
          let answer = try? await withTimeout(.seconds(1), on: runtime.clock) {
            try await runtime.connect(to: Self.address(server)).readToEnd()
          }
          guard let number = answer?.first else { continue }
          if number <= last { throw Forgotten() }
          last = number
        }
      }
      Issue.record("the run did not fail")
    } catch let failure as SimulationFailure {
      #expect(failure.faultCount > 1)
      #expect(failure.faults.map(\.kind) == [.crash])
    }
  }

  @Test func `A wait that only another crash could end is a deadlock still`() async throws {
    do {
      try await simulate(seed: 3, faults: Self.crashing) { runtime in
        _ = runtime.host { host in _ = try await host.listen(on: .ipv4(.any, port: 81)).accept() }
        _ = try await runtime.listen(on: .loopback(port: 80)).accept()
      }
      Issue.record("the run did not fail")
    } catch let failure as SimulationFailure {
      guard case .deadlock = failure.cause else { throw failure }
    }
  }
}

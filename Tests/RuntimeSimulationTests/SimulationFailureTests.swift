import Dispatch
import Glibc
import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

struct SimulationFailureTests {
  /// Returns the failure of a simulation that must fail.
  private func failure(
    seeds: ClosedRange<UInt64> = 1...1, faults: FaultPlan = .none, limits: SimulationLimits = SimulationLimits(),
    _ body: @escaping @Sendable (SimulatedRuntime) async throws -> Void
  ) async throws -> SimulationFailure {
    do {
      try await simulate(seeds: seeds, faults: faults, limits: limits, body)
    } catch let failure as SimulationFailure {
      return failure
    }
    throw NothingFailed()
  }

  private struct NothingFailed: Error {}
  private struct Broken: Error {}

  @Test func `What the body throws names its seed and the last events`() async throws {
    let failure = try await failure(seeds: 1...100) { runtime in
      runtime.note("before it breaks")
      if runtime.seed == 7 { throw Broken() }
    }
    #expect(failure.seed == 7)
    guard case .thrown(let error) = failure.cause else { throw failure }
    #expect(error is Broken)
    #expect(failure.description.contains("notes: before it breaks"))
    #expect(failure.description.contains("SIMULATION_SEED=7 "))
  }

  @Test func `Tasks that wait for each other are a deadlock, and each is named with what it waits for`() async throws {
    let failure = try await failure { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 80))
      let server = Task(name: "the server") {
        let stream = try await runtime.connect(to: listener.localAddress)
        _ = try await stream.read()
      }
      let stream = try await listener.accept()
      _ = try await stream.read()
      _ = try await server.value
    }
    guard case .deadlock = failure.cause else { throw failure }
    #expect(failure.waits.count == 2)
    #expect(failure.waits.contains { $0.hasSuffix("\"the server\" reads from the client's end of connection 1") })
    #expect(failure.waits.contains { $0.hasSuffix("reads from the server's end of connection 1") })
  }

  @Test func `A task that waits for something outside ends the run`() async throws {
    let stream = AsyncStream<Void>.makeStream()
    let failure = try await failure { runtime in
      for await _ in stream.stream {}
    }
    guard case .deadlock = failure.cause else { throw failure }
    stream.continuation.finish()
  }

  @Test func `A task that something outside resumes makes the run one that cannot be repeated`() async throws {
    let failure = try await failure { runtime in
      let hasSuspended = DispatchSemaphore(value: 0)
      // Keeps the simulation going for long enough for what happens outside.
      let ticking = runtime.spawn {
        while !Task.isCancelled {
          hasSuspended.signal()
          usleep(100)
          try await runtime.clock.sleep(for: .milliseconds(1))
        }
      }
      await withUnsafeContinuation { continuation in
        // A task that is resumed before it has suspended continues by itself, and no job comes from outside.
        DispatchQueue.global().async {
          hasSuspended.wait()
          continuation.resume()
        }
      }
      ticking.cancel()
    }
    guard case .outsideInterference = failure.cause else { throw failure }
  }

  @Test(arguments: [false, true])
  func `A task that something outside resumes before it has suspended does so too`(throwing: Bool) async throws {
    let failure = try await failure { runtime in
      let hasResumed = DispatchSemaphore(value: 0)
      if !throwing {
        await withUnsafeContinuation { continuation in
          DispatchQueue.global().async {
            continuation.resume()
            hasResumed.signal()
          }
          hasResumed.wait()
        }
      } else {
        try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
          DispatchQueue.global().async {
            continuation.resume()
            hasResumed.signal()
          }
          hasResumed.wait()
        }
      }
      try await runtime.clock.sleep(for: .seconds(1))
    }
    guard case .outsideInterference = failure.cause else { throw failure }
  }

  @Test func `A task that traps names its seed and the last events before the process ends`() async throws {
    let end = try await #require(processExitsWith: .failure, observing: [\.standardErrorContent]) {
      try await simulate(seeds: 1...10) { runtime in
        let host = runtime.host()
        runtime.note("before it traps")
        let task = host.spawn(TaskOptions(name: "the culprit")) {
          host.note("here")
          let numbers = [1, 2, 3].filter { $0 > Int(runtime.seed) }
          if runtime.seed == 3 { print(numbers[0]) }
        }
        try await task.value
      }
    }
    let text = String(decoding: end.standardErrorContent, as: UTF8.self)
    for words in [
      "SIMULATION_SEED=3 repeats it.", "\"the culprit\", which host 2 has started", "notes: before it traps",
    ] {
      #expect(text.contains(words), "\(words)")
    }
  }

  @Test func `A server that ticks while nothing gets on is at a standstill, and ticks do not hide what came before`()
    async throws
  {
    var limits = SimulationLimits()
    limits.ticksWithoutProgress = 1000
    let failure = try await failure(limits: limits) { runtime in
      runtime.spawn {
        while true { try await runtime.clock.sleep(for: .milliseconds(10)) }
      }
      let listener = try await runtime.listen(on: .loopback(port: 80))
      let stream = try await runtime.connect(to: listener.localAddress)
      try await stream.write("hello?")
      _ = try await stream.read()
    }
    guard case .standstill = failure.cause else { throw failure }
    #expect(failure.description.contains("writes 6 bytes to the client's end of connection 1"))
    #expect(failure.description.contains(" times a task ran or slept, and nothing else happened"))
    #expect(failure.trace.lines.count > 2000)
  }

  @Test func `A server that ticks while a task sleeps is not at a standstill`() async throws {
    var limits = SimulationLimits()
    limits.ticksWithoutProgress = 1000
    let report = try await simulate(seed: 1, limits: limits) { runtime in
      let ticking = runtime.spawn {
        while true { try await runtime.clock.sleep(for: .seconds(1)) }
      }
      try await runtime.clock.sleep(for: .seconds(86_400))
      ticking.cancel()
    }
    #expect(report.duration == .seconds(86_400))
  }

  @Test func `A run takes no more real time than it may`() async throws {
    var limits = SimulationLimits()
    limits.realTime = .milliseconds(100)
    limits.jobsWithoutPause = .max
    let failure = try await failure(limits: limits) { _ in
      while !Task.isCancelled { await Task.yield() }
    }
    guard case .realTimeLimit = failure.cause else { throw failure }
  }

  @Test func `Tasks that yield to each other endlessly are a livelock`() async throws {
    var limits = SimulationLimits()
    limits.jobsWithoutPause = 300_000
    for ticks in [false, true] {
      let failure = try await failure(limits: limits) { runtime in
        if ticks { runtime.spawn { while true { try await runtime.clock.sleep(for: .seconds(1)) } } }
        while !Task.isCancelled { await Task.yield() }
      }
      guard case .livelock = failure.cause else { throw failure }
    }
  }

  @Test func `A run that takes longer than it may fails with what was waited for`() async throws {
    var limits = SimulationLimits()
    limits.time = .seconds(3600)
    let failure = try await failure(limits: limits) { runtime in
      runtime.spawn {
        while true { try await runtime.clock.sleep(for: .seconds(1)) }
      }
      _ = try await runtime.listen(on: .loopback(port: 80)).accept()
    }
    guard case .timeLimit = failure.cause else { throw failure }
    #expect(failure.waits.contains { $0.hasSuffix("accepts connections at 127.0.0.1:80") })
  }

  @Test func `Tasks that do not end when all is closed are counted`() async throws {
    let failure = try await failure { runtime in
      runtime.spawn { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
      runtime.spawn { try await runtime.clock.sleep(for: .seconds(3600)) }
    }
    guard case .tasksLeft(1) = failure.cause else { throw failure }
  }

  @Test func `Of many faults those are kept that it takes to fail`() async throws {
    let failure = try await failure(seeds: 1...1000, faults: .rough) { runtime in
      let server = runtime.host()
      let listener = try await server.listen(on: .ipv4(server.address, port: 80))
      server.spawn {
        while true {
          let stream = try await listener.accept()
          server.spawn {
            while case let bytes = try await stream.read(), !bytes.isEmpty { try await stream.write(bytes) }
            try stream.shutdownWrite()
          }
        }
      }
      for _ in 0..<10 {
        guard let stream = try? await runtime.connect(to: listener.localAddress) else { continue }
        let writer = runtime.spawn {
          try await stream.write(Array(repeating: 1, count: 10_000))
          try stream.shutdownWrite()
        }
        // Only a reset makes this throw.
        _ = try await stream.readToEnd()
        _ = await writer.result
      }
    }
    #expect(failure.faultCount > 1)
    #expect(failure.faults.map(\.kind) == [.reset])
    #expect(failure.description.contains("Of \(failure.faultCount) faults these are enough:\n  reset of connection"))
  }

  @Test func `Cancelling ends the run that is under way`() async throws {
    let hasBegun = AsyncStream<Void>.makeStream()
    let task = Task {
      try await simulate(seed: 1) { _ in
        hasBegun.continuation.yield()
        while true { await Task.yield() }
      }
    }
    for await _ in hasBegun.stream { break }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test func `Task-local values of the caller are the body's`() async throws {
    try await Local.$value.withValue(5) {
      try await simulate(seeds: 1...3) { _ in #expect(Local.value == 5) }
    }
  }

  private enum Local {
    @TaskLocal static var value = 0
  }

  @Test func `A runtime made with a seed runs a program from synchronous code`() async throws {
    let (answer, time) = try await onThreadOfItsOwn { () throws -> (Int, Duration) in
      let runtime = SimulatedRuntime(seed: 4)
      return try runtime.run { runtime in
        try await runtime.clock.sleep(for: .seconds(10))
        return (42, runtime.clock.now.offset)
      }
    }
    #expect(answer == 42)
    #expect(time == .seconds(10))
  }
}

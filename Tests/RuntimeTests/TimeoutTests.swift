import Runtime
import RuntimeTestSupport
import Testing

/// Operations with a deadline. `DeadlineSimulationTests` tests the exact times.
@Suite(.timeLimit(.minutes(10))) struct TimeoutTests {
  @Test(arguments: Backend.allCases)
  func `An operation that ends in time returns its result or its error`(backend: Backend) async throws {
    try await on(backend) { clock in
      let value = try await withTimeout(.seconds(3600), on: clock) { 7 }
      #expect(value == 7)
      #expect(try await giveBeforeDeadline(7, on: clock) == 7)
      await #expect(throws: Failure()) { try await withTimeout(.seconds(3600), on: clock) { throw Failure() } }
      // An error of the operation itself: the caller has not cancelled it.
      await #expect(throws: CancellationError.self) {
        try await withTimeout(.seconds(3600), on: clock) { throw CancellationError() }
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `An operation whose time is over is cancelled and awaited`(backend: Backend) async throws {
    try await on(backend) { clock in
      let events = Recorder<String>()
      await #expect(throws: TimedOut(name: "nap")) {
        try await withTimeout(.milliseconds(1), on: clock, name: "nap") {
          do {
            try await clock.sleep(for: .seconds(3600))
          } catch {
            #expect(Task.isCancelled)
            for _ in 0..<100 { await Task.yield() }
            events.record("ended")
            throw error
          }
        }
      }
      events.record("returned")
      #expect(events.elements == ["ended", "returned"])
      #expect(!Task.isCancelled)
    }
  }

  @Test(arguments: Backend.allCases)
  func `A timeout cancels a read`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let listener: any StreamListener = try await runtime.listen(on: .loopback(port: 0))
      defer { listener.close() }
      let stream: any ByteStream = try await runtime.connect(to: listener.localAddress)
      defer { stream.close() }
      await #expect(throws: TimedOut()) {
        try await withTimeout(.milliseconds(1), on: ContinuousClock()) { _ = try await stream.read(upTo: 1) }
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `A result is returned even if the time is over`(backend: Backend) async throws {
    try await on(backend) { clock in
      let value = try await withTimeout(.milliseconds(1), on: clock) {
        try? await clock.sleep(for: .seconds(3600))
        return 7
      }
      #expect(value == 7)
    }
  }

  @Test(arguments: Backend.allCases)
  func `Errors other than cancellation are passed on`(backend: Backend) async throws {
    try await on(backend) { clock in
      await #expect(throws: Failure()) {
        try await withTimeout(.milliseconds(1), on: clock) {
          try? await clock.sleep(for: .seconds(3600))
          throw Failure()
        }
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `An operation whose caller is cancelled ends with its own error`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let clock = runtime.clock
      for error in [CancellationError(), Failure()] as [any Error] {
        let task = runtime.spawn { try await napUntilCancelled(on: clock, error) }
        task.cancel()
        let thrown = await #expect(throws: (any Error).self) { try await task.value }
        #expect(thrown.map { type(of: $0) == type(of: error) } == true)
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `Nested timeouts report which one expired`(backend: Backend) async throws {
    try await on(backend) { clock in
      await #expect(throws: TimedOut(name: "inner")) {
        try await withTimeout(.seconds(3600), on: clock, name: "outer") {
          try await withTimeout(.milliseconds(1), on: clock, name: "inner") {
            try await clock.sleep(for: .seconds(3600))
          }
        }
      }
      let events = Recorder<String>()
      await #expect(throws: TimedOut(name: "outer")) {
        try await withTimeout(.milliseconds(1), on: clock, name: "outer") {
          do {
            try await withTimeout(.seconds(3600), on: clock, name: "inner") {
              try await clock.sleep(for: .seconds(3600))
            }
          } catch {
            events.record("\(type(of: error))")
            throw error
          }
        }
      }
      #expect(events.elements == ["CancellationError"])
    }
  }

  @Test(arguments: Backend.allCases, [Duration.zero, .seconds(-3600)])
  func `An operation whose deadline has passed starts cancelled`(
    backend: Backend, timeout: Duration
  ) async throws {
    try await on(backend) { clock in
      let sees = try await withTimeout(timeout, on: clock) { Task.isCancelled }
      #expect(sees)
      await #expect(throws: TimedOut()) {
        try await withTimeout(timeout, on: clock) { try await clock.sleep(for: .seconds(3600)) }
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `A cancelled caller gets no error of a passed deadline`(backend: Backend) async throws {
    try await on(backend) { clock in
      withUnsafeCurrentTask { $0?.cancel() }
      await #expect(throws: CancellationError.self) {
        try await withTimeout(.seconds(-1), on: clock) { try await clock.sleep(for: .seconds(3600)) }
      }
    }
  }

  @Test func `A sleep that ends because the caller is cancelled is not a timeout, whatever the clock throws`()
    async throws
  {
    let task = Task {
      try await withTimeout(.seconds(3600), on: CarelessClock()) {
        // Ends later than the sleep on the clock.
        try? await Task.sleep(for: .seconds(3600))
        for _ in 0..<100 { await Task.yield() }
        throw CancellationError()
      }
    }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test(arguments: Backend.allCases)
  func `When the runtime is shut down, an operation with a timeout on its clock is cancelled`(
    backend: Backend
  ) async throws {
    let runtime = try backend.makeRuntime()
    let clock = runtime.clock
    await runtime.shutdown()
    await #expect(throws: CancellationError.self) {
      // On another clock, which the shutdown does not affect.
      try await timeOut(.seconds(3600), on: clock) { try await Task.sleep(for: .seconds(3600)) }
    }
  }

  @Test(arguments: Backend.allCases)
  func `The operation runs on the caller's executor, with its task-local values`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      try await runtime.spawn {
        try await $mark.withValue(7) {
          try await timeOut(.seconds(3600), on: runtime.clock) {
            for _ in 0..<2 {
              let executor = withUnsafeCurrentTask { $0?.unownedTaskExecutor }
              #expect(executor == runtime.taskExecutor?.asUnownedTaskExecutor())
              #expect(mark == 7)
              await Task.yield()
            }
          }
        }
      }.value
    }
  }

  @Test func `The operation runs on the caller's actor, and shares what is not Sendable`() async throws {
    try await Counter().countTwice()
    try await Counter().countElsewhere()
    try await countOnTheMainActor()
    var numbers = [1]
    try await append(2, to: &numbers)
    #expect(numbers == [1, 2])
  }

  @Test func `An operation that keeps its actor busy is cancelled too`() async throws {
    try await Counter().countUntilTimeIsOver()
  }

  @Test func `An error describes its timeout`() {
    #expect("\(TimedOut())" == "timed out")
    #expect("\(TimedOut(name: "read head"))" == "read head: timed out")
  }

  /// Runs `body` in a task of a runtime, with the runtime's clock.
  private func on(
    _ backend: Backend, _ body: @escaping @Sendable (any Clock<Duration>) async throws -> Void
  ) async throws {
    try await backend.withRuntime { runtime in
      try await runtime.spawn { try await body(runtime.clock) }.value
    }
  }
}

@TaskLocal private var mark = 0

private struct Failure: Error, Equatable {}

/// A clock whose sleeps do not report their cancellation.
private struct CarelessClock: Clock {
  var now: ContinuousClock.Instant { .now }
  var minimumResolution: Duration { .zero }

  func sleep(until deadline: ContinuousClock.Instant, tolerance: Duration?) async {
    try? await ContinuousClock().sleep(until: deadline, tolerance: tolerance)
  }
}

private func giveBeforeDeadline(_ value: Int, on clock: some Clock<Duration>) async throws -> Int {
  try await withDeadline(clock.now.advanced(by: .seconds(3600)), on: clock) { value }
}

private func timeOut<Success>(
  _ timeout: Duration, on clock: some Clock<Duration>, _ operation: () async throws -> Success
) async throws -> Success {
  try await withTimeout(timeout, on: clock) { try await operation() }
}

/// Sleeps until it is cancelled, and then throws `error`.
private func napUntilCancelled(on clock: some Clock<Duration>, _ error: any Error) async throws {
  try await withTimeout(.seconds(3600), on: clock) {
    try? await clock.sleep(for: .seconds(3600))
    throw error
  }
}

/// Runs on the caller's actor, as does the operation.
nonisolated(nonsending) private func count(_ box: Box, on actor: Counter) async throws {
  try await withTimeout(.seconds(3600), on: ContinuousClock()) {
    for _ in 0..<2 {
      actor.assertIsolated()
      box.count += 1
      await Task.yield()
    }
  }
}

private func append(_ number: Int, to numbers: inout [Int]) async throws {
  try await withTimeout(.seconds(3600), on: ContinuousClock()) {
    await Task.yield()
    numbers.append(number)
  }
}

@MainActor private func countOnTheMainActor() async throws {
  let box = Box()
  let same = try await withTimeout(.seconds(3600), on: ContinuousClock()) {
    MainActor.assertIsolated()
    await Task.yield()
    MainActor.assertIsolated()
    box.count += 1
    return box
  }
  #expect(same === box && box.count == 1)
}

/// A value that is not Sendable.
private final class Box {
  var count = 0
}

private actor Counter {
  private let box = Box()

  func countTwice() async throws {
    let same = try await withTimeout(.seconds(3600), on: ContinuousClock()) {
      assertIsolated()
      box.count += 1
      await Task.yield()
      assertIsolated()
      box.count += 1
      return box
    }
    assertIsolated()
    #expect(same === box && box.count == 2)
  }

  func countElsewhere() async throws {
    try await count(box, on: self)
    #expect(box.count == 2)
  }

  func countUntilTimeIsOver() async throws {
    await #expect(throws: TimedOut()) {
      try await withTimeout(.milliseconds(1), on: ContinuousClock()) {
        while !Task.isCancelled { box.count += 1 }
        throw CancellationError()
      }
    }
  }
}

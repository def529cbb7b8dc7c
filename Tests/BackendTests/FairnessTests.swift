import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

/// Tasks that always have something to do, on the only worker, and everybody else who wants a turn.
@Suite(.timeLimit(.minutes(10))) struct FairnessTests {
  /// How a task keeps itself, or its like, always ready.
  enum Selfish: String, CaseIterable, Sendable {
    /// It yields.
    case yields
    /// Two wake each other by continuations.
    case wakeEachOther
    /// It starts the next of its kind, and ends.
    case startsTheNext
    /// It wakes another, which wakes it, by a task's end.
    case joins
    /// It reads a socket in which there is always something, and writes it back.
    case echoes
    /// It has a thread for blocking work wake it.
    case blocks
  }

  @Test(arguments: Backend.allCases, Selfish.allCases)
  func `A task that never waits long starves nobody`(backend: Backend, selfish: Selfish) async throws {
    try await backend.withRuntime(workers: 1) { runtime in
      let isOver = Shared(Atomic(false))
      var tasks: [Task<Void, any Error>] = []
      for _ in 0..<2 { tasks += try await start(selfish, on: runtime, until: isOver) }

      try await runtime.spawn {}.value
      try await runtime.spawn { for _ in 0..<10 { await Task.yield() } }.value
      try await runtime.spawn { try await runtime.clock.sleep(for: .milliseconds(5)) }.value
      try await runtime.spawn { try await Task.sleep(for: .milliseconds(5)) }.value
      try await runtime.spawn { try await runtime.runBlocking {} }.value
      let (near, far) = try await runtime.connectedPair()
      let echo = runtime.spawn { try await far.write(try await far.read()) }
      try await near.write("x")
      #expect(try await near.read() == Array("x".utf8))
      try await echo.value

      isOver.value.store(true, ordering: .relaxed)
      for task in tasks { try await task.value }
    }
  }

  private func start(
    _ selfish: Selfish, on runtime: some AsyncRuntime, until isOver: Shared<Atomic<Bool>>
  ) async throws -> [Task<Void, any Error>] {
    @Sendable func goesOn() -> Bool { !isOver.value.load(ordering: .relaxed) }
    switch selfish {
    case .yields: return [runtime.spawn { while goesOn() { await Task.yield() } }]
    case .joins: return [runtime.spawn { while goesOn() { try await runtime.spawn {}.value } }]
    case .blocks: return [runtime.spawn { while goesOn() { try await runtime.runBlocking {} } }]
    case .startsTheNext:
      @Sendable func link(_ end: UnsafeContinuation<Void, Never>) {
        if goesOn() { runtime.execute { link(end) } } else { end.resume() }
      }
      return [runtime.spawn { await withUnsafeContinuation { link($0) } }]
    case .wakeEachOther:
      let (left, right) = MemoryStream.pair(capacity: 1)
      return passBall(from: left, to: right, on: runtime, while: goesOn)
    case .echoes:
      let (left, right) = try await runtime.connectedPair()
      return passBall(from: left, to: right, on: runtime, while: goesOn)
    }
  }

  /// Two tasks that hand one byte to and fro.
  private func passBall(
    from left: some ByteStream, to right: some ByteStream, on runtime: some AsyncRuntime,
    while goesOn: @escaping @Sendable () -> Bool
  ) -> [Task<Void, any Error>] {
    let there = runtime.spawn {
      try await left.write("x")
      while goesOn() { try await left.write(try await left.read()) }
      left.close()
    }
    let back = runtime.spawn {
      while true {
        let ball = try await right.read()
        if ball.isEmpty { return right.close() }
        // The other end may have gone by now.
        do { try await right.write(ball) } catch { return right.close() }
      }
    }
    return [there, back]
  }
}

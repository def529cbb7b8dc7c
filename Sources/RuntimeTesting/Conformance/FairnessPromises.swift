import Runtime
import Synchronization

extension RuntimeConformance {
  /// Fairness between tasks that are always ready and everything else on the runtime.
  static let fairness: [Case] =
    Selfish.allCases.map { selfish in
      Case("Tasks that are always ready do not starve others: they \(selfish.rawValue)", .executor) { runtime in
        try await run(selfish, on: runtime) {
          try await runtime.spawnAndWait("a task beside them") {}
          try await runtime.spawnAndWait("a task that yields") { for _ in 0..<10 { await Task.yield() } }
          let (near, far) = try await runtime.connectedPair()
          let echo = runtime.spawn { try await far.write(try await far.read()) }
          try await near.write("x")
          try await expect("an echo beside them", toGive: Array("x".utf8)) { try await near.read() }
          try await expectEnd(of: "the echo's task") { try await echo.value }
        }
      }
    }
    + Selfish.allCases.map { selfish in
      let promise = "Tasks that are always ready delay no sleep and no blocking work: they \(selfish.rawValue)"
      return Case(promise, .executor, needs: .realTime) { runtime in
        try await run(selfish, on: runtime) {
          try await runtime.spawnAndWait("a sleep beside them") {
            try await runtime.clock.sleep(for: .milliseconds(5))
          }
          try await runtime.spawnAndWait("Task.sleep beside them") { try await Task.sleep(for: .milliseconds(5)) }
          try await runtime.spawnAndWait("blocking work beside them") { try await runtime.runBlocking {} }
        }
      }
    } + [streamsThatNeverRunDry]

  private static let streamsThatNeverRunDry = Case.makingRuntimes(
    "Tasks whose streams always have data do not starve others", .executor, needs: .realDescriptors
  ) { trial in
    let runtime = try await trial.makeRuntime()
    // The writing tasks belong to another runtime, so they need no worker here.
    let other = try await trial.makeRuntime()
    let listener = try await runtime.listen(on: .loopback(port: 0))
    var streams: [any ByteStream] = []
    for _ in 0..<runtime.workerCount {
      let far = try await other.connect(to: listener.localAddress)
      let near = try await listener.accept()
      other.execute { while (try? await far.write([UInt8](repeating: 0, count: 1 << 20))) != nil {} }
      runtime.execute { while let bytes = try? await near.read(upTo: 16), !bytes.isEmpty {} }
      streams += [near, far]
    }
    defer { for stream in streams { stream.close() } }
    for _ in 0..<10 { try await runtime.spawnAndWait("a task beside them") { await Task.yield() } }
  }

  /// A way in which a task keeps itself, or a task of the same kind, always ready.
  private enum Selfish: String, CaseIterable {
    case yields = "yield"
    case yieldsOnTheRuntime = "yield on the runtime"
    case wakeEachOther = "wake each other"
    case startsTheNext = "start the next of their kind"
    case joins = "wait for one another's end"
    case echoes = "read what is always there"
    case blocks = "have blocking work wake them"
  }

  /// Runs `body` beside twice as many selfish tasks as there are workers.
  private static func run(
    _ selfish: Selfish, on runtime: some AsyncRuntime, _ body: () async throws -> Void
  ) async throws {
    let isOver = Box(Atomic(false))
    var tasks: [Task<Void, any Error>] = []
    for _ in 0..<runtime.workerCount * 2 { tasks += try await start(selfish, on: runtime, until: isOver) }
    @Sendable func stop() { isOver.value.store(true, ordering: .relaxed) }
    defer { stop() }
    try await withTaskCancellationHandler {
      try await body()
    } onCancel: {
      stop()
    }
    stop()
    for task in tasks { try await expectEnd(of: "a task that was told to stop") { try await task.value } }
  }

  private static func start(
    _ selfish: Selfish, on runtime: some AsyncRuntime, until isOver: Box<Atomic<Bool>>
  ) async throws -> [Task<Void, any Error>] {
    @Sendable func goesOn() -> Bool { !isOver.value.load(ordering: .relaxed) }
    switch selfish {
    case .yields: return [runtime.spawn { while goesOn() { await Task.yield() } }]
    case .yieldsOnTheRuntime: return [runtime.spawn { while goesOn() { await runtime.yield() } }]
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

  /// Starts two tasks that pass one byte back and forth.
  private static func passBall(
    from left: some ByteStream, to right: some ByteStream, on runtime: some AsyncRuntime,
    while goesOn: @escaping @Sendable () -> Bool
  ) -> [Task<Void, any Error>] {
    let there = runtime.spawn {
      try await left.write("x")
      while goesOn() { try await left.write(try await left.read()) }
      // The byte is still on its way: closing now would fail the other task's operation.
      try await left.shutdownWrite()
      _ = try await left.readToEnd()
      left.close()
    }
    let back = runtime.spawn {
      while true {
        let ball = try await right.read()
        if ball.isEmpty { return right.close() }
        try await right.write(ball)
      }
    }
    return [there, back]
  }
}

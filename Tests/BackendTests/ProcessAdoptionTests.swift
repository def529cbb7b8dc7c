import Glibc
import Runtime
@_spi(Experimental) import RuntimeCustom
import RuntimePrimitives
import RuntimeTestSupport
import Synchronization
import Testing

/// A process that a runtime has adopted. Each test has a process of its own, since a process has one adoption at a
/// time.
@Suite(.timeLimit(.minutes(10))) struct ProcessAdoptionTests {
  /// Ways to start or resume a task without naming an executor, and two that name one.
  enum Construct: CaseIterable, Sendable {
    case task, detachedTask, childTask, asyncLet, actor, await, yield, sleep, clockSleep, foreignContinuation
    case runtimesTask, mainActor
  }

  private actor Place {
    private(set) var visits = 0

    func threadName() -> String {
      assertIsolated()
      visits += 1
      return BackendTests.threadName()
    }
  }

  private static func thread(of construct: Construct, _ runtime: CustomRuntime) async throws -> String {
    switch construct {
    case .task: return await Task { threadName() }.value
    case .detachedTask: return await Task.detached { threadName() }.value
    case .childTask:
      return await withTaskGroup { group in
        group.addTask { threadName() }
        return await group.next() ?? ""
      }
    case .asyncLet:
      async let name = threadName()
      return await name
    case .actor: return await Place().threadName()
    case .await: await Self.nothing()
    case .yield: await Task.yield()
    case .sleep: try await Task.sleep(for: .milliseconds(2))
    case .clockSleep: try await ContinuousClock().sleep(for: .milliseconds(2))
    case .foreignContinuation:
      await withUnsafeContinuation { continuation in
        onForeignThread { continuation.resume() }
      }
    case .runtimesTask: return try await runtime.spawn { threadName() }.value
    case .mainActor: return await MainActor.run { threadName() }
    }
    return threadName()
  }

  private static func nothing() async {}

  /// Whether `name` is the name of one of the two workers.
  private static func isWorker(_ name: String) -> Bool { name == "gearbox-0" || name == "gearbox-1" }

  /// A flag that a test's own task raises.
  private final class Flag: Sendable {
    private let value = Atomic(false)
    var isUp: Bool { value.load(ordering: .acquiring) }
    func raise() { value.store(true, ordering: .releasing) }
  }

  /// Blocks the only worker of a runtime until `flag` is up, and returns once it is blocked.
  private static func blockWorker(until flag: Flag) -> Task<Bool, Never> {
    let isBlocked = Flag()
    let task = Task.detached {
      isBlocked.raise()
      return block { flag.isUp }
    }
    #expect(block { isBlocked.isUp })
    return task
  }

  @Test func `Code that names no executor runs on the workers, and the main actor does not`() async {
    await #expect(processExitsWith: .success) {
      let runtime = try CustomRuntime(workers: 2, stalls: nil)
      let adoption = try runtime.adoptProcess()
      for _ in 0..<20 {
        for construct in Construct.allCases {
          let name = try await Task.detached { try await Self.thread(of: construct, runtime) }.value
          #expect(Self.isWorker(name) == (construct != .mainActor), "\(construct) on \(name)")
        }
      }
      adoption.giveBack()
      for construct in Construct.allCases {
        let name = try await Task.detached { try await Self.thread(of: construct, runtime) }.value
        #expect(Self.isWorker(name) == (construct == .runtimesTask), "\(construct) on \(name)")
      }
      await runtime.shutdown()
    }
  }

  @Test func `A task is enqueued once, though it calls a hundred async functions`() async {
    await #expect(processExitsWith: .success) {
      let runtime = try CustomRuntime(workers: 2, stalls: nil)
      let adoption = try runtime.adoptProcess()
      // This task waits for a thread outside all executors, so that nothing else is enqueued.
      let jobCount = await onThreadOfItsOwn {
        let hasEnded = Flag()
        let start = adoption.jobCount
        Task.detached {
          for _ in 0..<100 { await Callee.call(Callee()) }
          hasEnded.raise()
        }
        _ = block { hasEnded.isUp }
        return adoption.jobCount - start
      }
      #expect(jobCount == 1)
      await runtime.shutdown()
    }
  }

  /// Async functions that the compiler cannot inline. Swift asks each for its executor.
  private class Callee: @unchecked Sendable {  // It has no state.
    @concurrent func work() async {}
    @inline(never) @concurrent static func call(_ callee: Callee) async { await callee.work() }
  }

  @Test func `No job goes to Swift's pool, not even for a yield or a sleep`() async {
    await #expect(processExitsWith: .success) {
      let runtime = try CustomRuntime(workers: 2)
      let isOver = Flag()
      // Many more than the pool's threads. The tasks give up after a time, so that the test fails and does not hang.
      let blockers = (0..<64).map { _ in Task.detached { block(within: .seconds(20)) { isOver.isUp } } }
      try runtime.adoptProcess()
      let place = Place()
      await onThreadOfItsOwn {
        Task {
          for _ in 0..<10 {
            await Task.yield()
            try? await Task.sleep(for: .milliseconds(1))
            try? await Task.sleep(nanoseconds: 1_000_000)
            try? await SuspendingClock().sleep(for: .milliseconds(1))
            try? await ContinuousClock().sleep(until: .now + .milliseconds(1))
            _ = await place.threadName()
          }
          isOver.raise()
        }
        _ = block { isOver.isUp }
      }
      for blocker in blockers { #expect(await blocker.value) }
      await runtime.shutdown()
    }
  }

  @Test func `A sleep ends in time although the process is given back during it, and the runtime ends`() async {
    await #expect(processExitsWith: .success) {
      let runtime = try CustomRuntime(workers: 1)
      let adoption = try runtime.adoptProcess()
      let start = ContinuousClock.now
      let (long, cancelled) = (
        Task { try await Task.sleep(for: .milliseconds(50)) }, Task { try await Task.sleep(for: .seconds(3600)) }
      )
      while runtime.metrics.sleepingTasks == 0 { await Task.yield() }
      adoption.giveBack()
      await runtime.shutdown()
      try await long.value
      #expect(ContinuousClock.now - start >= .milliseconds(50))
      cancelled.cancel()
      await #expect(throws: CancellationError.self) { try await cancelled.value }
      // Sleeps that begin now also end.
      try await Task.sleep(for: .milliseconds(1))
    }
  }

  @Test func `Only one runtime adopts the process, until it gives it back`() async {
    await #expect(processExitsWith: .success) {
      let (first, second) = (try CustomRuntime(workers: 1), try CustomRuntime(workers: 1))
      let adoption = try first.adoptProcess()
      #expect(throws: AdoptionRefused.alreadyAdopted) { try first.adoptProcess() }
      #expect(throws: AdoptionRefused.alreadyAdopted) { try second.adoptProcess() }
      adoption.giveBack()
      let later = try second.adoptProcess()
      // A second call has no effect.
      adoption.giveBack()
      #expect(throws: AdoptionRefused.alreadyAdopted) { try first.adoptProcess() }
      await first.shutdown()
      #expect(throws: AdoptionRefused.alreadyAdopted) { try second.adoptProcess() }
      #expect(await Task.detached { threadName() }.value == "gearbox-0")
      later.giveBack()
      #expect(throws: AdoptionRefused.shutDown) { try first.adoptProcess() }
      await second.shutdown()
    }
  }

  @Test func `A runtime that shuts down gives the process back, and tasks still run afterwards`() async {
    await #expect(processExitsWith: .success) {
      let runtime = try CustomRuntime(workers: 2)
      let adoption = try runtime.adoptProcess()
      let sleeper = Task { try? await Task.sleep(for: .seconds(3600)) }
      let left = (0..<100).map { _ in
        Task {
          await sleeper.value
          await Task.yield()
          return threadName()
        }
      }
      // From a task on the runtime itself.
      await Task.detached { await runtime.shutdown(grace: .zero) }.value
      sleeper.cancel()
      for task in left { #expect(!Self.isWorker(await task.value)) }
      #expect(!Self.isWorker(await Task.detached { threadName() }.value))
      #expect(!Self.isWorker(await Place().threadName()))
      #expect(throws: AdoptionRefused.shutDown) { try runtime.adoptProcess() }
      adoption.giveBack()
      // A task of the runtime goes to Swift's pool, by a job that names no executor.
      #expect(!Self.isWorker(try await runtime.spawn { threadName() }.value))
    }
  }

  @Test func `Swift's pool runs jobs that wait when the process is given back`() async {
    await #expect(processExitsWith: .success) {
      let runtime = try CustomRuntime(workers: 1, stalls: nil)
      let adoption = try runtime.adoptProcess()
      let (isOver, ran) = (Flag(), Recorder<String>())
      await onThreadOfItsOwn {
        let blocker = Self.blockWorker(until: isOver)
        for _ in 0..<100 { Task.detached { ran.record(threadName()) } }
        #expect(runtime.metrics.queueDepths[0] >= 100)
        #expect(ran.elements.isEmpty)
        adoption.giveBack()
        // The worker is still blocked.
        #expect(block { ran.elements.count == 100 })
        #expect(!ran.elements.contains("gearbox-0"))
        Task.detached {
          isOver.raise()
          #expect(await blocker.value)
        }
        #expect(block { isOver.isUp })
      }
      await runtime.shutdown()
    }
  }

  @Test func `Each task runs to its end while the process is adopted and given back under load`() async {
    await #expect(processExitsWith: .success) {
      let runtimes = [try CustomRuntime(workers: 2), try CustomRuntime(workers: 1)]
      let (perThread, threads) = (2000, 3)
      let done = Shared(Atomic(0))
      let place = Place()
      for thread in 0..<threads {
        onForeignThread {
          for number in 0..<perThread {
            Task.detached(priority: [.high, .medium, .background][(thread + number) % 3]) {
              async let child: Void = Task.yield()
              _ = await place.threadName()
              await child
              try? await runtimes[number % 2].spawn { await Self.nothing() }.value
              done.value.add(1, ordering: .relaxed)
            }
          }
        }
      }
      await onThreadOfItsOwn {
        var turn = 0
        #expect(
          block {
            if let adoption = try? runtimes[turn % 2].adoptProcess() {
              // Until the runtime has run some jobs.
              _ = block(within: .milliseconds(5)) { adoption.jobCount > 100 }
              adoption.giveBack()
            }
            turn += 1
            return done.value.load(ordering: .relaxed) == threads * perThread
          })
        #expect(turn > 1)
      }
      #expect(await place.visits == threads * perThread)
      for runtime in runtimes { await runtime.shutdown() }
    }
  }

  @Test func `The most urgent job runs first`() async {
    await #expect(processExitsWith: .success) {
      let runtime = try CustomRuntime(workers: 1, stalls: nil)
      try runtime.adoptProcess()
      let (isOver, order) = (Flag(), Recorder<TaskPriority>())
      await onThreadOfItsOwn {
        let blocker = Self.blockWorker(until: isOver)
        for _ in 0..<900 { Task.detached(priority: .background) { order.record(.background) } }
        for _ in 0..<10 { Task.detached(priority: .medium) { order.record(.medium) } }
        for _ in 0..<10 { Task.detached(priority: .high) { order.record(.high) } }
        isOver.raise()
        #expect(block { order.elements.count == 920 })
        _ = blocker
      }
      #expect(order.elements.prefix(10).allSatisfy { $0 == .high })
      // A job of another class may have been passed over often enough by then.
      #expect(order.elements.prefix(21).filter { $0 == .medium }.count == 10)
      await runtime.shutdown()
    }
  }

  @Test func `A background task and its awaiter progress beside endless urgent work`() async {
    await #expect(processExitsWith: .success) {
      let runtime = try CustomRuntime(workers: 1, stalls: nil)
      try runtime.adoptProcess()
      let hasRun = Flag()
      /// Starts the next urgent task, so that two of them are always ready.
      @Sendable func urge() {
        Task.detached(priority: .high) { if !hasRun.isUp { urge() } }
      }
      for _ in 0..<2 { urge() }
      let patient = Task.detached(priority: .background) { 42 }
      let answer = await Task.detached(priority: .high) { await patient.value }.value
      hasRun.raise()
      #expect(answer == 42)
      await runtime.shutdown()
    }
  }

  @Test func `Relief workers start when tasks block all workers`() async {
    await #expect(processExitsWith: .success) {
      let runtime = try CustomRuntime(workers: 2)
      try runtime.adoptProcess()
      let flag = Flag()
      // Many more than the workers, so that relief workers get some too, and more of them have to start.
      let blocked = (0..<12).map { _ in Task.detached { block(within: .seconds(60)) { flag.isUp } } }
      let last = Task.detached { flag.raise() }
      for task in blocked { #expect(await task.value, "no task ran while they blocked the workers") }
      await last.value
      #expect(runtime.metrics.reliefs > 0)
      await runtime.shutdown()
    }
  }

  @Test func `The runtime's own tasks and adopted ones get turns beside endless work of each other`() async {
    await #expect(processExitsWith: .success) {
      let runtime = try CustomRuntime(workers: 1, stalls: nil)
      try runtime.adoptProcess()
      let isOver = Flag()
      @Sendable func goOn() { Task.detached { if !isOver.isUp { goOn() } } }
      @Sendable func goOnHere() { runtime.execute { if !isOver.isUp { goOnHere() } } }
      for _ in 0..<100 {
        goOn()
        goOnHere()
      }
      for _ in 0..<20 {
        try await runtime.clock.sleep(for: .milliseconds(1))
        #expect(try await runtime.spawn { 42 }.value == 42)
        #expect(await Task.detached { 42 }.value == 42)
      }
      isOver.raise()
      await runtime.shutdown()
    }
  }
}

import Dispatch
import Glibc
import Runtime
import RuntimeCustom
import RuntimeDispatch
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The threads on which Swift runs code. The backends rely on these facts, so a toolchain that changes them fails here
/// and not in a server.
@Suite(.timeLimit(.minutes(10))) struct ThreadTests {
  /// Ways to suspend, or to start a task, in a task that a backend has spawned.
  enum Construct: String, CaseIterable, Sendable {
    case spawn, await, yield, sleep, clockSleep, suspendingClockSleep, runtimeSleep, childTask, asyncLet, defaultActor
    case foreignContinuation, socket, blockingWork, unstructuredTask, detachedTask, mainActor

    /// Whether its code runs on the backend's own threads.
    var staysHome: Bool {
      switch self {
      case .unstructuredTask, .detachedTask, .mainActor: false
      default: true
      }
    }
  }

  actor Place { func threadName() -> String { BackendTests.threadName() } }

  @MainActor static func mainThreadName() -> String { threadName() }

  /// The name of the thread on which `construct` runs or resumes in a task of `runtime`.
  static func thread(of construct: Construct, on runtime: some AsyncRuntime) async throws -> String {
    try await runtime.spawn {
      switch construct {
      case .spawn: break
      case .await: await Self.nothing()
      case .yield: await Task.yield()
      case .sleep: try await Task.sleep(for: .milliseconds(2))
      case .clockSleep: try await ContinuousClock().sleep(for: .milliseconds(2))
      case .suspendingClockSleep: try await SuspendingClock().sleep(for: .milliseconds(2))
      case .runtimeSleep: try await runtime.clock.sleep(for: .milliseconds(2))
      case .childTask:
        return await withTaskGroup { group in
          group.addTask {
            await Task.yield()
            return threadName()
          }
          return await group.next() ?? ""
        }
      case .asyncLet:
        async let name = threadName()
        return await name
      case .defaultActor: return await Place().threadName()
      case .foreignContinuation:
        await withUnsafeContinuation { continuation in
          onForeignThread { continuation.resume() }
        }
      case .socket:
        let (near, far) = try await runtime.connectedPair()
        runtime.execute {
          await Task.yield()
          try? await near.write("x")
        }
        _ = try await far.read()
      case .blockingWork: try await runtime.runBlocking {}
      case .unstructuredTask: return await Task { threadName() }.value
      case .detachedTask: return await Task.detached { threadName() }.value
      case .mainActor: return await mainThreadName()
      }
      return threadName()
    }.value
  }

  static func nothing() async {}

  @Test(arguments: Backend.allCases, Construct.allCases)
  func `A task and its children stay on the backend's threads`(backend: Backend, construct: Construct) async throws {
    // Without relief workers, which start on a busy machine.
    try await backend.withRuntime(stalls: nil) { runtime in
      for _ in 0..<20 {
        let name = try await Self.thread(of: construct, on: runtime)
        switch backend {
        // Swift's pool and the queues of Dispatch share the threads of libdispatch.
        case .concurrency, .dispatch: #expect(name.hasSuffix("default-qos") || construct == .mainActor)
        case .custom: #expect((name == "gearbox-0" || name == "gearbox-1") == construct.staysHome, "on \(name)")
        }
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `A runtime's own threads have names`(backend: Backend) async throws {
    await #expect(processExitsWith: .success) { [backend] in
      try await backend.withRuntime { runtime in
        try await runtime.runBlocking {}
        let expected: Set =
          switch backend {
          case .concurrency, .dispatch: ["gearbox-poll", "gearbox-block", "gearbox-watch"]
          case .custom: ["gearbox-0", "gearbox-1", "gearbox-block", "gearbox-watch"]
          }
        let names = { Set(threadNames().filter { $0.hasPrefix("gearbox-") && !$0.hasPrefix("gearbox-Pack") }) }
        // A thread names itself, and may not have done so yet.
        while !names().isSuperset(of: expected) { await Task.yield() }
        #expect(names().subtracting(["gearbox-relief"]) == expected)
      }
    }
  }

  @Test func `Task.sleep on the custom backend does not need Swift's own pool`() async throws {
    await #expect(processExitsWith: .success) {
      let runtime = try CustomRuntime(workers: 1)
      let wakes = Recorder<Int>()
      let blocked = try await runtime.spawn {
        // Many more than the pool's threads. The tasks give up after a time, so that the test fails and does not hang.
        let blockers = (0..<64).map { _ in
          Task.detached { block(within: .seconds(20)) { !wakes.elements.isEmpty } }
        }
        try await Task.sleep(for: .milliseconds(10))
        try await ContinuousClock().sleep(for: .milliseconds(1))
        wakes.record(1)
        return blockers
      }.value
      for blocker in blocked { #expect(await blocker.value) }
      await runtime.shutdown()
    }
  }

  @Test func `A Dispatch runtime reports that no thread runs its timers`() async throws {
    await #expect(processExitsWith: .success) {
      // A serial queue may have a thread beyond those of the global queues, but there are at most 255 in all.
      for number in 0..<300 { DispatchQueue(label: "blocked \(number)").async { while true { pause() } } }
      #expect(throws: IOError(.thread, .system(EAGAIN))) { try DispatchRuntime() }
    }
  }

  @Test(arguments: Backend.allCases)
  func `Task.sleep still works after the runtime's shutdown`(backend: Backend) async throws {
    let runtime = try backend.makeRuntime()
    await runtime.shutdown()
    try await runtime.spawn {
      try await withThrowingTaskGroup { group in
        // Each sleep ends before those started earlier, and some begin when others have ended.
        for duration in (1...20).reversed() {
          group.addTask { for _ in 0..<3 { try await Task.sleep(for: .milliseconds(duration)) } }
        }
        try await group.waitForAll()
      }
    }.value
  }
}

import Glibc
import Runtime
import RuntimePrimitives
import Synchronization

extension RuntimeConformance {
  static let threads: [Case] =
    Construct.allCases.map { construct in
      let promise = "At most one task per worker runs at a time: after \(construct.rawValue)"
      return Case(promise, .threads, needs: [.threads, .realTime]) { runtime in
        let inside = ConcurrencyCounter()
        // Each job must return through the executor. Otherwise more than one per worker would run at a time.
        let tasks = (0..<runtime.workerCount * 2 + 2).map { _ in
          runtime.spawn {
            for _ in 0..<5 {
              try await run(construct, on: runtime) {
                inside.enter()
                usleep(200)
                inside.leave()
              }
            }
          }
        }
        for task in tasks { try await expectEnd(of: "a task") { try await task.value } }
        let count = runtime.workerCount
        // If the machine suspends a thread for long, relief workers may have been activated.
        let isKept = inside.maximum <= count || runtime.metrics.reliefs > 0
        try expect("how many ran at once", toBe: "at most \(count)", isKept, saw: "\(inside.maximum)")
      }
    } + [
      Case("All tasks that foreign threads start are run", .threads, needs: .threads) { runtime in
        let done = Box(Atomic(0))
        for _ in 0..<4 {
          try Thread(name: "foreign") {
            for _ in 0..<500 { runtime.execute { done.value.add(1, ordering: .relaxed) } }
          }.detach()
        }
        try await expectEventually("2,000 tasks that foreign threads have started") {
          done.value.load(ordering: .relaxed) == 2000
        }
      },

      Case("A task that a foreign thread resumes continues", .threads, needs: .threads) { runtime in
        for _ in 0..<200 {
          try await runtime.spawnAndWait("a task that a foreign thread wakes") {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
              onForeignThread(resuming: continuation)
            }
          }
        }
      },

      Case("A sleep uses no thread", .threads, needs: [.threads, .quietProcess]) { runtime in
        try await expectNoThreads(for: "a thousand sleeps") {
          let sleeps = (0..<1000).map { _ in runtime.spawn { try await runtime.clock.sleep(for: .seconds(3600)) } }
          try await runtime.clock.sleep(for: .milliseconds(10))
          let count = threadCount()
          for sleep in sleeps { sleep.cancel() }
          for sleep in sleeps { _ = await sleep.result }
          return count
        }
      },

      Case("A wait for a connection uses no thread", .threads, needs: [.threads, .quietProcess]) { runtime in
        try await expectNoThreads(for: "a hundred connections that wait") {
          var streams: [any ByteStream] = []
          var waits: [Task<Void, any Error>] = []
          for _ in 0..<100 {
            let (near, far) = try await runtime.connectedPair()
            streams += [near, far]
            waits.append(runtime.spawn { _ = try await near.read() })
          }
          try await runtime.clock.sleep(for: .milliseconds(10))
          let count = threadCount()
          for stream in streams { stream.close() }
          for wait in waits { _ = await wait.result }
          return count
        }
      },
    ]

  /// A construct after which a task resumes.
  private enum Construct: String, CaseIterable {
    case start = "a start"
    case yield = "a yield"
    case sleep = "a sleep"
    case swiftSleep = "Task.sleep"
    case childTask = "the start of a child task"
    case asyncLet = "the start of an async let"
    case defaultActor = "a call to a default actor"
    case foreignContinuation = "a foreign thread's wake"
    case socket = "a read"
    case blockingWork = "blocking work"
  }

  private actor Place {
    func run(_ body: @Sendable () -> Void) { body() }
  }

  /// Runs `body` after `construct`, or in the task that it starts.
  private static func run(
    _ construct: Construct, on runtime: any AsyncRuntime, _ body: @escaping @Sendable () -> Void
  ) async throws {
    switch construct {
    case .start: return try await runtime.spawn { body() }.value
    case .yield: await Task.yield()
    case .sleep: try await runtime.clock.sleep(for: .milliseconds(1))
    case .swiftSleep: try await Task.sleep(for: .milliseconds(1))
    case .childTask:
      return await withTaskGroup { group in
        for _ in 0..<2 { group.addTask { body() } }
      }
    case .asyncLet:
      async let one: Void = body()
      async let two: Void = body()
      return await (_, _) = (one, two)
    case .defaultActor: return await Place().run(body)
    case .foreignContinuation:
      try await withUnsafeThrowingContinuation { onForeignThread(resuming: $0) }
    case .socket:
      let (near, far) = try await runtime.connectedPair()
      runtime.execute {
        await Task.yield()
        try? await near.write("x")
      }
      _ = try await far.read()
    case .blockingWork: try await runtime.runBlocking {}
    }
    body()
  }

  private static func onForeignThread(resuming continuation: UnsafeContinuation<Void, any Error>) {
    do throws(IOError) {
      try Thread(name: "foreign") { continuation.resume() }.detach()
    } catch {
      continuation.resume(throwing: error)
    }
  }

  /// Expects that `body`, which makes tasks wait and returns the number of threads meanwhile, needs hardly any new
  /// threads.
  private static func expectNoThreads(for subject: String, _ body: () async throws -> Int) async throws {
    // Other code in the process may start threads too, but hardly as many each time.
    let before = threadCount()
    var more = 0
    for _ in 0..<5 {
      more = try await body() - before
      if more < 50 { return }
    }
    try expect("the threads for \(subject)", toBe: "a few", false, saw: "\(more)")
  }
}

/// Counts concurrent users of a section.
private final class ConcurrencyCounter: Sendable {
  private let counts = Lock((now: 0, maximum: 0))

  func enter() {
    counts.withLock {
      $0.now += 1
      $0.maximum = max($0.maximum, $0.now)
    }
  }

  func leave() { counts.withLock { $0.now -= 1 } }

  var maximum: Int { counts.withLock { $0.maximum } }
}

import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(10))) struct ShutdownTests {
  struct Failure: Error, Equatable {}

  @Test(arguments: Backend.allCases, PollerKind.allCases)
  func `A runtime that is shut down leaves no thread and no descriptor`(
    backend: Backend, poller: PollerKind
  ) async throws {
    await #expect(processExitsWith: .success) { [backend, poller] in
      func use() async throws {
        let runtime = try backend.makeRuntime(poller: poller)
        let listener = try runtime.listen(on: .loopback(port: 0))
        // The peer is another runtime's, so that it is not closed too.
        let other = try backend.makeRuntime()
        let far = try await other.connect(to: listener.localAddress)
        let near = try await listener.accept()
        let waiting = [
          runtime.spawn { try await ioError { _ = try await near.read() } },
          runtime.spawn { try await ioError { _ = try await listener.accept() } },
        ]
        let asleep = runtime.spawn { try await runtime.clock.sleep(for: .seconds(3600)) }
        try await runtime.runBlocking {}
        await runtime.shutdown()
        await runtime.shutdown()
        #expect(try await waiting[0].value == IOError(.read, .closed))
        #expect(try await waiting[1].value == IOError(.accept, .closed))
        await #expect(throws: CancellationError.self) { try await asleep.value }
        far.close()
        await other.shutdown()
      }
      // Twice first: Dispatch makes descriptors of its own on the way and keeps them.
      for _ in 0..<2 { try await use() }
      let descriptors = openDescriptors().count
      for _ in 0..<10 { try await use() }
      #expect(openDescriptors().count < descriptors + 10)
      #expect(!threadNames().contains { $0.hasPrefix("gearbox-") && !$0.hasPrefix("gearbox-Pack") })
    }
  }

  @Test(arguments: Backend.allCases)
  func `After the end everything that waits fails at once, and tasks still finish`(backend: Backend) async throws {
    let runtime = try backend.makeRuntime()
    let (near, _) = try await runtime.connectedPair()
    let listener = try runtime.listen(on: .loopback(port: 0))
    await runtime.shutdown()
    #expect(try await ioError { _ = try await near.read() } == IOError(.read, .closed))
    #expect(try await ioError { _ = try await listener.accept() } == IOError(.accept, .closed))
    #expect(try await ioError { _ = try runtime.listen(on: .loopback(port: 0)) } == IOError(.listen, .closed))
    let error = try await ioError { _ = try await runtime.connect(to: listener.localAddress) }
    #expect(error == IOError(.connect, .closed))
    await #expect(throws: CancellationError.self) { try await runtime.clock.sleep(for: .seconds(1)) }
    await #expect(throws: CancellationError.self) { try await runtime.runBlocking {} }
    #expect(
      try await runtime.spawn {
        await Task.yield()
        return try await withThrowingTaskGroup(of: Int.self) { group in
          group.addTask {
            try await Task.sleep(for: .milliseconds(2))
            return 7
          }
          return try await group.next()
        }
      }.value == 7)
  }

  @Test(arguments: Backend.allCases)
  func `Tasks have their grace to finish`(backend: Backend) async throws {
    let runtime = try backend.makeRuntime()
    let finished = Shared(Atomic<Int>(0))
    for _ in 0..<10 {
      runtime.execute {
        for _ in 0..<1000 { await Task.yield() }
        finished.value.add(1, ordering: .relaxed)
      }
    }
    await runtime.shutdown(grace: .seconds(3600))
    #expect(finished.value.load(ordering: .relaxed) == 10)
  }

  @Test(arguments: Backend.allCases)
  func `A task that waits for something foreign is not waited for beyond the grace, and not lost`(
    backend: Backend
  ) async throws {
    let runtime = try backend.makeRuntime()
    let (near, far) = MemoryStream.pair()
    let stuck = runtime.spawn { try await far.read() }
    await runtime.shutdown(grace: .milliseconds(10))
    try await near.write("x")
    #expect(try await stuck.value == Array("x".utf8))
  }

  @Test(arguments: Backend.allCases)
  func `A runtime's own task can shut it down`(backend: Backend) async throws {
    let runtime = try backend.makeRuntime()
    // With a grace that the test would not survive, were the task to wait for itself.
    try await runtime.spawn { await runtime.shutdown(grace: .seconds(3600)) }.value
    await runtime.shutdown()
  }

  @Test(arguments: Backend.allCases)
  func `Several shutdowns at once all return when it is done`(backend: Backend) async throws {
    for _ in 0..<20 {
      let runtime = try backend.makeRuntime()
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<4 { group.addTask { await runtime.shutdown() } }
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `run takes a program from synchronous code to its end`(backend: Backend) async throws {
    @Sendable func run(_ runtime: some AsyncRuntime) throws {
      #expect(try runtime.blockOn { 1 } == 1)
      let name = try runtime.run { runtime in
        try await runtime.clock.sleep(for: .milliseconds(2))
        return runtime.name
      }
      #expect(name == backend.rawValue)
    }
    @Sendable func fail(_ runtime: some AsyncRuntime) throws { try runtime.run { _ in throw Failure() } }
    let (first, second) = (try backend.makeRuntime(), try backend.makeRuntime())
    // On a thread that may be blocked: a test's own belongs to Swift's pool.
    await withCheckedContinuation { continuation in
      onForeignThread {
        #expect(throws: Never.self) { try run(first) }
        #expect(throws: Failure()) { try fail(second) }
        continuation.resume()
      }
    }
  }
}

import Glibc
import NIOCore
import NIOPosix
import Runtime
import RuntimeNIO
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct NIORuntimeTests {
  @Test func `A runtime on the program's own loops does not shut them down`() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: 2)
    for _ in 0..<3 {
      // Two runtimes on the same loops are independent.
      let runtimes = [try NIORuntime(group: group), try NIORuntime(group: group)]
      for runtime in runtimes {
        let listener = try await runtime.listen(on: .loopback(port: 0))
        let near = try await runtime.connect(to: listener.localAddress)
        let far = try await listener.accept()
        let echo = runtime.spawn { try await far.write(try await far.read(upTo: 10)) }
        try await near.write(Array("x".utf8))
        #expect(try await near.read(upTo: 10) == Array("x".utf8))
        try await echo.value
        await runtime.shutdown()
        await #expect(throws: Runtime.IOError(.read, .closed)) { try await near.read(upTo: 10) }
      }
      #expect(try await group.next().submit { 42 }.get() == 42)
    }
    try await group.shutdownGracefully()
  }

  @Test func `A task resumes on the event loop of the connection that it waited for`() async throws {
    let runtime = try NIORuntime(loops: 3)
    let listener = try await runtime.listen(on: .loopback(port: 0))
    for _ in 0..<6 {
      let near = try await runtime.connect(to: listener.localAddress)
      let far = try await listener.accept()
      let threads = runtime.spawn { () -> Set<UInt> in
        var threads: Set<UInt> = []
        for _ in 0..<20 {
          let bytes = try await far.read(upTo: 1)
          threads.insert(currentThread())
          try await far.write(bytes)
        }
        return threads
      }
      for number in 0..<20 {
        // Each byte arrives while the task waits, or before.
        try await near.write([UInt8(number)])
        #expect(try await near.read(upTo: 10) == [UInt8(number)])
      }
      // The first byte may have arrived before the task's first wait.
      #expect(try await threads.value.count <= 2)
    }
    await runtime.shutdown()
  }

  @Test func `A lone task that is always ready lets its loop serve sockets and timers`() async throws {
    let runtime = try NIORuntime(loops: 1)
    let listener = try await runtime.listen(on: .loopback(port: 0))
    let near = try await runtime.connect(to: listener.localAddress)
    let far = try await listener.accept()
    let busy = runtime.spawn { while !Task.isCancelled { await Task.yield() } }
    try await near.write(Array("x".utf8))
    #expect(try await far.read(upTo: 10) == Array("x".utf8))
    try await runtime.clock.sleep(for: .milliseconds(5))
    busy.cancel()
    try await busy.value
    await runtime.shutdown()
  }

  @Test func `Out of descriptors, accept reports it without spinning, and then goes on`() async throws {
    await #expect(processExitsWith: .success) {
      let turns = TurnCounter()
      let group = MultiThreadedEventLoopGroup(numberOfThreads: 2, metricsDelegate: turns)
      let runtime = try NIORuntime(group: group)
      let shortages = Mutex<[Runtime.IOError]>([])
      var options = ListenOptions()
      options.onShortage = { error in shortages.withLock { $0.append(error) } }
      let listener = try await runtime.listen(on: .loopback(port: 0), options: options)
      let client = try await runtime.connect(to: listener.localAddress)
      // Dispatch opens descriptors at the first sleep, and aborts if it cannot.
      try await Task.sleep(for: .milliseconds(200))
      var limit = rlimit(rlim_cur: 256, rlim_max: 256)
      setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
      var taken: [Int32] = []
      while case let descriptor = dup(0), descriptor >= 0 { taken.append(descriptor) }
      let before = turns.count.load(ordering: .relaxed)
      let accepting = runtime.spawn { try await listener.accept() }
      while shortages.withLock({ $0.count }) < 10 { try await runtime.clock.sleep(for: .milliseconds(5)) }
      // An attempt every 20 ms, and a check of the time every 5 ms; spinning would be thousands of turns.
      #expect(turns.count.load(ordering: .relaxed) - before < 1000)
      #expect(shortages.withLock { $0 }.allSatisfy { $0 == Runtime.IOError(.accept, .system(EMFILE)) })
      for descriptor in taken { close(descriptor) }
      let far = try await accepting.value
      try await client.write(Array("x".utf8))
      #expect(try await far.read(upTo: 10) == Array("x".utf8))
      await runtime.shutdown()
    }
  }

  @Test func `The backlog is the requested one, and not NIO's default`() async throws {
    let runtime = try NIORuntime(loops: 1)
    var options = ListenOptions()
    options.backlog = 300
    let listener = try await runtime.listen(
      on: .unix(path: "\0gearbox-\(UInt64.random(in: 0 ... .max))"), options: options)
    // A Unix-domain socket keeps one more than its backlog.
    var streams: [NIOStream] = []
    for _ in 0...300 { streams.append(try await runtime.connect(to: listener.localAddress)) }
    let late = runtime.spawn { try await runtime.connect(to: listener.localAddress) }
    late.cancel()
    await #expect(throws: Runtime.IOError(.connect, .cancelled)) { try await late.value }
    await runtime.shutdown()
  }
}

/// The calling thread. Not inlined, since an optimiser may reuse the result from before an `await` after it.
@inline(never) private func currentThread() -> UInt { UInt(pthread_self()) }

/// Counts the turns of event loops.
private final class TurnCounter: NIOEventLoopMetricsDelegate {
  let count = Atomic(0)
  func processedTick(info: NIOEventLoopTickInfo) { count.add(1, ordering: .relaxed) }
}

import Glibc
import Runtime
import RuntimeHTTP
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import bring_your_own_executor

/// The executor and the stream of chapter 11, with both ends of a pair of pipes on one loop.
@Suite(.timeLimit(.minutes(10))) struct EventLoopTests {
  @Test func `HTTP goes over a pair of pipes`() async throws {
    try await onLoop { loop, client, server in
      let serving = loop.spawn {
        await serveConnection(
          server, clock: ContinuousClock(), executor: loop, handler: HandlerFunction { _ in .text("hello") })
      }
      let client = HTTPTestClient(client)
      for _ in 1...3 { #expect(try await client.get("/").text == "hello") }
      client.stream.close()
      try await serving.value
    }
  }

  @Test func `A write beyond a pipe's capacity goes on as the reader reads`() async throws {
    try await onLoop { loop, client, server in
      let sent = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
      let writing = loop.spawn {
        try await client.write(sent)
        try client.shutdownWrite()
      }
      #expect(try await server.readToEnd() == sent)
      try await writing.value
    }
  }

  @Test func `A read that waits ends when its task is cancelled, and takes nothing`() async throws {
    try await onLoop { loop, client, server in
      for _ in 1...100 {
        let reading = loop.spawn { try await server.read() }
        await Task.yield()
        reading.cancel()
        await #expect(throws: IOError(.read, .cancelled)) { try await reading.value }
      }
      try await client.write("still there")
      #expect(try await server.read() == Array("still there".utf8))
    }
  }

  @Test func `A read that need not wait succeeds in a cancelled task`() async throws {
    try await onLoop { loop, client, server in
      try await client.write("hello")
      let reading = loop.spawn {
        withUnsafeCurrentTask { $0?.cancel() }
        return try await server.read()
      }
      #expect(try await reading.value == Array("hello".utf8))
    }
  }

  @Test func `Closing a stream ends waiting reads and writes`() async throws {
    try await onLoop { loop, client, server in
      let reading = loop.spawn { try await server.read() }
      await Task.yield()
      server.close()
      await #expect(throws: IOError(.read, .closed)) { try await reading.value }
      await #expect(throws: IOError(.read, .closed)) { try await server.read() }
      await #expect(throws: IOError(.write, .closed)) { try await server.write("too late") }
      let rest = try await client.read()
      #expect(rest.isEmpty)
    }
  }

  @Test func `A second task that waits for the same operation is refused`() async throws {
    try await onLoop { loop, client, server in
      let first = loop.spawn { try await server.read() }
      await Task.yield()
      await #expect(throws: IOError(.read, .busy)) { try await server.read() }
      try await client.write("for the first")
      #expect(try await first.value == Array("for the first".utf8))
    }
  }

  @Test func `All jobs run on the lent thread, including those that other threads enqueue`() async throws {
    try await onLoop { loop, _, _ in
      let thread = pthread_self()
      for _ in 1...10 {
        try await ContinuousClock().sleep(for: .milliseconds(1))
        #expect(pthread_self() == thread)
      }
      await Task.detached {}.value
      #expect(pthread_self() == thread)
    }
  }

  /// The cases for executors and streams, without those for other parts of a runtime.
  static let promises = RuntimeConformance.cases(without: [.threads, .realDescriptors]).filter {
    [.executor, .streams, .cancellation, .closing, .datagrams].contains($0.area)
  }

  @Test(arguments: promises)
  func `The loop and its streams keep the promises of a runtime`(promise: RuntimeConformance.Case) async throws {
    try await onThreadOfItsOwn { () throws(any Error) in
      // A write to a closed peer is an error: EventLoop leaves the signal to the program.
      var broken = sigset_t()
      sigemptyset(&broken)
      sigaddset(&broken, SIGPIPE)
      pthread_sigmask(SIG_BLOCK, &broken, nil)
      let loop = try EventLoop()
      // Without a limit, since a task outside the loop would enforce it.
      try loop.run { try await promise.check(within: nil) { try LoopRuntime(loop) } }
    }
  }

  /// Runs `body` on a loop, with two connected streams.
  private func onLoop(
    _ body: @escaping @Sendable (EventLoop, _ client: DescriptorStream, _ server: DescriptorStream) async throws -> Void
  ) async throws {
    try await onThreadOfItsOwn { () throws(any Error) in
      let loop = try EventLoop()
      var there: [Int32] = [0, 0]
      var back: [Int32] = [0, 0]
      #expect(pipe(&there) == 0 && pipe(&back) == 0)
      // Otherwise the programs of other tests would keep them open.
      for descriptor in there + back { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
      let client = DescriptorStream(input: back[0], output: there[1], loop: loop)
      let server = DescriptorStream(input: there[0], output: back[1], loop: loop)
      defer {
        client.close()
        server.close()
      }
      try loop.run { try await body(loop, client, server) }
    }
  }
}

import Glibc
import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Cancelling ends what waits, at whatever moment it comes: before the wait, while it begins, or long after.
@Suite(.timeLimit(.minutes(10))) struct CancellationTests {
  /// Cancels what `body` does, sooner and later, and expects each to end as `expected`.
  private func expectCancelled(
    on runtime: some AsyncRuntime, as expected: IOError, _ body: @escaping @Sendable () async throws -> Void
  ) async throws {
    for round in 0..<200 {
      let task = runtime.spawn { try await ioError(body) }
      for _ in 0..<round % 5 { await Task.yield() }
      if round % 50 == 49 { try await runtime.clock.sleep(for: .milliseconds(5)) }
      task.cancel()
      #expect(try await task.value == expected)
    }
  }

  @Test(arguments: Variant.all)
  func `Cancelling ends a read and takes nothing`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      try await expectCancelled(on: runtime, as: IOError(.read, .cancelled)) { _ = try await near.read() }
      try await expectCancelled(on: runtime, as: IOError(.read, .cancelled)) { try await near.readable() }
      try await far.write("x")
      #expect(try await near.read() == Array("x".utf8))
    }
  }

  @Test(arguments: Variant.all)
  func `Cancelling ends a write that the peer does not take`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      let block = [UInt8](repeating: 0, count: 1 << 20)
      try await expectCancelled(on: runtime, as: IOError(.write, .cancelled)) {
        while true { try await near.write(block) }
      }
      far.close()
    }
  }

  @Test(arguments: Variant.all)
  func `Cancelling ends an accept, and the next one is none the worse`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      let listener = try runtime.listen(on: .loopback(port: 0))
      try await expectCancelled(on: runtime, as: IOError(.accept, .cancelled)) { _ = try await listener.accept() }
      let near = try await runtime.connect(to: listener.localAddress)
      let far = try await listener.accept()
      try await near.write("x")
      #expect(try await far.read() == Array("x".utf8))
    }
  }

  @Test(arguments: Variant.all)
  func `Cancelling ends a connect that is not answered`(variant: Variant) async throws {
    try await variant.withRuntime { runtime in
      // A Unix-domain listener whose backlog is full keeps whoever connects waiting, with no help from the network.
      var options = ListenOptions()
      options.backlog = 0
      let listener = try runtime.listen(on: .unix(path: temporaryPath()), options: options)
      let first = try await runtime.connect(to: listener.localAddress)
      for round in 0..<20 {
        let task = runtime.spawn { try await ioError { _ = try await runtime.connect(to: listener.localAddress) } }
        for _ in 0..<round { await Task.yield() }
        task.cancel()
        #expect(try await task.value == IOError(.connect, .cancelled))
      }
      let second = runtime.spawn { try await runtime.connect(to: listener.localAddress) as any ByteStream }
      _ = try await listener.accept()
      _ = try await listener.accept()
      _ = try await second.value
      first.close()
    }
  }

  @Test(arguments: Backend.allCases)
  func `What can finish at once does so in a cancelled task too`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      try await far.write("x")
      try await near.readable()
      let task = runtime.spawn {
        while !Task.isCancelled { await Task.yield() }
        let bytes = try await near.read()
        try await near.write("y")
        return bytes
      }
      task.cancel()
      #expect(try await task.value == Array("x".utf8))
      #expect(try await far.read() == Array("y".utf8))
    }
  }

  @Test(arguments: Backend.allCases)
  func `A child task's wait ends when its group is cancelled`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      let (near, far) = try await runtime.connectedPair()
      let reading = runtime.spawn {
        try await withThrowingTaskGroup(of: IOError?.self) { group in
          group.addTask { try await ioError { _ = try await near.read() } }
          group.addTask { try await ioError { try await near.readable() } }
          await Task.yield()
          group.cancelAll()
          return try await group.reduce(into: []) { $0.append($1) }
        }
      }
      // The second may find the first there already.
      #expect(try await reading.value.contains(IOError(.read, .cancelled)))
      far.close()
    }
  }
}

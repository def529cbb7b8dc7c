import Runtime
import RuntimeTestSupport
import Testing

/// What a stream owes, over real sockets.
@Suite struct StreamTests {
  @Test(arguments: Backend.allCases)
  func `What one end writes the other reads`(backend: Backend) async throws {
    try await backend.withRuntime { runtime in
      try await check(runtime)
    }
    func check<R: AsyncRuntime>(_ runtime: R) async throws {
      let (near, far) = try await runtime.connectedPair()
      try await near.write("hello")
      #expect(try await far.read() == Array("hello".utf8))
      try near.shutdownWrite()
      #expect(try await far.read() == [])
      #expect(try await far.read() == [])
      try await far.write("still there")
      #expect(try await near.read() == Array("still there".utf8))
    }
  }
}

extension AsyncRuntime {
  /// Two ends of a TCP connection.
  func connectedPair() async throws -> (Listener.Stream, Listener.Stream) {
    let listener = try listen(on: .loopback(port: 0))
    defer { listener.close() }
    let far = spawn { try await listener.accept() }
    let near = try await connect(to: listener.localAddress)
    return (near, try await far.value)
  }
}

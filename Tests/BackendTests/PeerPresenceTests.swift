import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// The state of the peer, which a socket reports without reading.
@Suite(.timeLimit(.minutes(10))) struct PeerPresenceTests {
  @Test(arguments: Backend.allCases)
  func `a socket distinguishes a peer that is present, one that has finished and one that is gone`(
    _ backend: Backend
  ) async throws {
    func check(_ runtime: some AsyncRuntime) async throws {
      let listener = try await runtime.listen(on: .loopback(port: 0))
      let near = try await runtime.connect(to: listener.localAddress)
      let far = try await listener.accept()
      #expect(near.attribute(PeerPresence.self) == .present)
      try await far.write("unread")
      try await far.shutdownWrite()
      #expect(try await near.read(upTo: 3).count == 3)
      // Unread bytes do not hide the end of the stream behind them.
      while near.attribute(PeerPresence.self) == .present { await Task.yield() }
      #expect(near.attribute(PeerPresence.self) == .finished)
      // Closing with unread bytes resets the connection.
      try await near.write("unread")
      _ = try await far.waitUntilReadable()
      far.close()
      while near.attribute(PeerPresence.self) == .finished { await Task.yield() }
      #expect(near.attribute(PeerPresence.self) == .gone)
      near.close()
      #expect(near.attribute(PeerPresence.self) == nil)
      listener.close()
    }
    try await backend.withRuntime { try await check($0) }
  }

  @Test func `a stream in memory does the same`() async throws {
    let (near, far) = MemoryStream.pair()
    #expect(near.attribute(PeerPresence.self) == .present)
    try far.shutdownWrite()
    #expect(near.attribute(PeerPresence.self) == .finished)
    far.close()
    #expect(near.attribute(PeerPresence.self) == .gone)
  }
}

import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

/// Whether input is pending, which a stream reports without reading.
@Suite(.timeLimit(.minutes(10))) struct PendingInputTests {
  @Test(arguments: Backend.allCases)
  func `a socket reports whether bytes have arrived, and takes none`(_ backend: Backend) async throws {
    func check(_ runtime: some AsyncRuntime) async throws {
      let listener = try await runtime.listen(on: .loopback(port: 0))
      let near = try await runtime.connect(to: listener.localAddress)
      let far = try await listener.accept()
      #expect(near.attribute(PendingInput.self) == PendingInput(isThere: false))
      try await far.write("bytes")
      try await near.waitUntilReadable()
      #expect(near.attribute(PendingInput.self) == PendingInput(isThere: true))
      #expect(try await near.read(upTo: 10).count == 5)
      #expect(near.attribute(PendingInput.self) == PendingInput(isThere: false))
      // The end of the stream is not input.
      try await far.shutdownWrite()
      try await near.waitUntilReadable()
      #expect(near.attribute(PendingInput.self) == PendingInput(isThere: false))
      near.close()
      #expect(near.attribute(PendingInput.self) == nil)
      far.close()
      listener.close()
    }
    try await backend.withRuntime { try await check($0) }
  }

  @Test func `a stream in memory does the same`() async throws {
    let (near, far) = MemoryStream.pair()
    #expect(near.attribute(PendingInput.self) == PendingInput(isThere: false))
    try await far.write("bytes")
    #expect(near.attribute(PendingInput.self) == PendingInput(isThere: true))
    #expect(try await near.read(upTo: 10).count == 5)
    #expect(near.attribute(PendingInput.self) == PendingInput(isThere: false))
  }
}

import HelloHandler
import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import Testing

@testable import hello_http1
@testable import hello_http2

/// The smallest servers, of chapters 9 and 10, in virtual time.
@Suite struct HelloTests {
  @Test func `An HTTP/1 request is printed in full, and answered`() async throws {
    try await simulate(seeds: 1...50, faults: .calm) { runtime in
      let said = Recorder<String>()
      let (server, stream) = try await startHTTP1(on: runtime, said)
      let client = HTTPTestClient(stream)
      try await client.send("POST /greeting HTTP/1.1\r\nHost: me\r\nContent-Length: 12\r\n\r\nHow are you?")
      let response = try await client.readResponse()
      #expect((response.status, response.text) == (200, "Hello, World!\n"))
      #expect(said.elements == ["POST /greeting HTTP/1.1\nHost: me\nContent-Length: 12\n\nHow are you?\n"])
      await stop(server)
    }
  }

  @Test func `A client that stops in the middle of a request gets an error after ten to eleven seconds`() async throws {
    try await simulate(seeds: 1...50, faults: .calm) { runtime in
      let said = Recorder<String>()
      let (server, stream) = try await startHTTP1(on: runtime, said)
      let start = runtime.clock.now
      let client = HTTPTestClient(stream)
      try await client.send("GET / HT")
      #expect(try await client.readResponse().status == 408)
      let elapsed = start.duration(to: runtime.clock.now)
      #expect(elapsed >= .seconds(10) && elapsed <= .milliseconds(11_100))
      #expect(said.elements.isEmpty)
      await stop(server)
    }
  }

  @Test func `Content over the handler's limit is refused by its content-length`() async throws {
    try await simulate(seeds: 1...50, faults: .calm) { runtime in
      let said = Recorder<String>()
      let (server, stream) = try await startHTTP1(on: runtime, said)
      let client = HTTPTestClient(stream)
      try await client.send("POST / HTTP/1.1\r\nHost: me\r\nContent-Length: 65537\r\n\r\n")
      #expect(try await client.readResponse().status == 413)
      #expect(said.elements.isEmpty)
      await stop(server)
    }
  }

  @Test func `Concurrent HTTP/2 requests are each printed and answered`() async throws {
    try await simulate(seeds: 1...50, faults: .calm) { runtime in
      let said = Recorder<String>()
      let listener = try await runtime.listen(on: .loopback(port: 7878))
      let server = runtime.spawn {
        try await HelloHTTP2().serve(
          listener, clock: runtime.clock, executor: runtime, handler: Hello(say: said.record))
      }
      let client = HTTP2TestClient(try await runtime.connect(to: listener.localAddress))
      try await client.start()
      let targets = (1...5).map { "/\($0)" }
      var streams: [UInt32] = []
      for target in targets { streams.append(try await client.send("GET", target)) }
      for stream in streams { #expect(try await client.readResponse(on: stream).text == "Hello, World!\n") }
      #expect(said.elements.sorted() == targets.map { "GET \($0) HTTP/2\nhost: localhost\n" })
      client.stream.close()
      await stop(server)
    }
  }

  @Test func `Tasks spawned on the reader's executor stay there`() async throws {
    let executor = SerialExecutor()
    let places = try await executor.spawn {
      let before = executor.isCurrent
      try await ContinuousClock().sleep(for: .milliseconds(1))
      async let child = executor.isCurrent
      return (before, executor.isCurrent, await child)
    }
    .value
    #expect(places == (true, true, true))
    #expect(!executor.isCurrent)
  }

  private func startHTTP1(
    on runtime: SimulatedRuntime, _ said: Recorder<String>
  ) async throws -> (server: Task<Void, any Error>, client: SimulatedStream) {
    let listener = try await runtime.listen(on: .loopback(port: 7878))
    let server = runtime.spawn {
      try await HelloHTTP1().serve(listener, clock: runtime.clock, handler: Hello(say: said.record))
    }
    return (server, try await runtime.connect(to: listener.localAddress))
  }

  /// Cancels the server, which ends with the error for it.
  private func stop(_ server: Task<Void, any Error>) async {
    server.cancel()
    await #expect(throws: IOError(.accept, .cancelled)) { try await server.value }
  }
}

import Runtime
import RuntimeSimulation
import Testing

@testable import async_but_serial
@testable import task_per_connection
@testable import ten_clients

/// The servers of chapters 2 and 3 and the ten clients, in virtual time: the times of the chapters, exact to the
/// millisecond, without waiting.
@Suite struct TaskPerConnectionTests {
  @Test func `One after another, clients wait for each other`() async throws {
    try await simulate(seeds: 1...20) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 7878))
      let server = runtime.spawn { try await AsyncButSerial().serve(listener, clock: runtime.clock) }
      let lines = try await TenClients(server: listener.localAddress).run(on: runtime)
      server.cancel()
      #expect(lines == waits([5000, 5000, 5000, 5000, 5000, 10000, 10000, 10000, 10000, 10000]))
    }
  }

  @Test func `With a task per connection, clients do not wait for each other`() async throws {
    try await simulate(seeds: 1...20) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 7878))
      let server = runtime.spawn { try await TaskPerConnection().serve(listener, clock: runtime.clock) }
      let lines = try await TenClients(server: listener.localAddress).run(on: runtime)
      server.cancel()
      #expect(lines == waits([5000, 0, 0, 0, 0, 5000, 0, 0, 0, 0]))
    }
  }

  @Test func `Cancelling a server ends its connections`() async throws {
    try await simulate(seeds: 1...20) { runtime in
      let clock = runtime.clock
      let listener = try await runtime.listen(on: .loopback(port: 7878))
      let server = runtime.spawn { try await TaskPerConnection().serve(listener, clock: clock) }
      let silent = try await runtime.connect(to: listener.localAddress)
      let sleeping = try await runtime.connect(to: listener.localAddress)
      try await sleeping.write(Array("GET /sleep HTTP/1.1\r\n\r\n".utf8))
      try await clock.sleep(for: .seconds(1))

      server.cancel()
      await #expect(throws: IOError(.accept, .cancelled)) { try await server.value }
      #expect(clock.now.offset == .seconds(1))
      for client in [silent, sleeping] { #expect(try await client.read().isEmpty) }
    }
  }

  @Test func `The server goes on, whatever faults its connections have`() async throws {
    try await simulate(seeds: 1...200, faults: .rough) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 7878))
      let server = runtime.spawn { try await TaskPerConnection().serve(listener, clock: runtime.clock) }
      let host = runtime.host()
      for _ in 1...10 {
        do throws(IOError) {
          let client = try await host.connect(to: .ipv4(runtime.address, port: 7878))
          try await client.write(Array("GET / HTTP/1.1\r\n\r\n".utf8))
          while try await !client.read().isEmpty {}
        } catch {}  // A rough network resets connections and refuses them.
      }
      server.cancel()
      // The server ends only because it is cancelled.
      await #expect(throws: IOError(.accept, .cancelled)) { try await server.value }
    }
  }

  /// The output of the clients for these waits.
  private func waits(_ milliseconds: [Int]) -> [String] {
    zip(TenClients.paths, milliseconds).enumerated()
      .map { "client \($0 + 1): \($1.0) gave 200 after \($1.1) ms" }
  }
}

import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import echo_server

/// The echo server of chapter 8, in a simulated network.
@Suite struct EchoServerTests {
  @Test func `Clients get back what they send, each its own`() async throws {
    var faults = FaultPlan.calm
    (faults.shortReads, faults.shortWrites, faults.fullBuffers) = (0.2, 0.2, 0.05)
    try await simulate(seeds: 1...30, faults: faults) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 8080))
      let server = runtime.spawn { try await serve(listener) }
      try await withThrowingTaskGroup { clients in
        for number in 1...5 {
          clients.addTask {
            let sent = bytes(number)
            let stream = try await runtime.connect(to: listener.localAddress)
            let writer = runtime.spawn {
              try await stream.write(sent)
              try stream.shutdownWrite()
            }
            let received = try await stream.readToEnd()
            try await writer.value
            #expect(received == sent)
          }
        }
        try await clients.waitForAll()
      }
      server.cancel()
      await #expect(throws: IOError(.accept, .cancelled)) { try await server.value }
    }
  }

  @Test func `Whatever faults occur, echoes contain only sent bytes, and the server goes on`()
    async throws
  {
    try await simulate(seeds: 1...50, faults: .rough) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 8080))
      let server = runtime.spawn { try await serve(listener) }
      let host = runtime.host()
      for number in 1...10 {
        let sent = bytes(number)
        var received: [UInt8] = []
        do throws(IOError) {
          let stream = try await host.connect(to: .ipv4(runtime.address, port: 8080))
          let writer = host.spawn { try await stream.write(sent) }
          while received.count < sent.count {
            let some = try await stream.read()
            if some.isEmpty { break }
            received += some
          }
          stream.close()
          _ = await writer.result
        } catch {}  // A rough network resets connections and refuses them.
        #expect(sent.starts(with: received))
      }
      server.cancel()
      await #expect(throws: IOError(.accept, .cancelled)) { try await server.value }
    }
  }

  @Test func `A cancelled server closes its connections, and ends after them`() async throws {
    try await simulate(seeds: 1...50) { runtime in
      let listener = try await runtime.listen(on: .loopback(port: 8080))
      let server = runtime.spawn { try await serve(listener) }
      let silent = try await runtime.connect(to: listener.localAddress)
      let talking = try await runtime.connect(to: listener.localAddress)
      try await talking.write("hello")
      #expect(try await talking.read() == Array("hello".utf8))
      server.cancel()
      await #expect(throws: IOError(.accept, .cancelled)) { try await server.value }
      for client in [silent, talking] { #expect(try await client.readToEnd().isEmpty) }
    }
  }

  @Test func `The server stops reading from a client that does not read`() async throws {
    try await simulate(seeds: 1...20) { runtime in
      let (client, server) = MemoryStream.pair(capacity: 1024)
      let echoing = runtime.spawn { await echo(server) }
      let pieces = Recorder<Int>()
      let writing = runtime.spawn {
        for number in 1...1000 {
          try await client.write([UInt8](repeating: 0, count: 1024))
          pieces.record(number)
        }
      }
      // Time advances only when no task can run.
      try await runtime.clock.sleep(for: .seconds(1))
      // The pieces in the pipes, and the one that the server holds.
      #expect(pieces.elements.count <= 3)
      writing.cancel()
      echoing.cancel()
      _ = await writing.result
      try await echoing.value
    }
  }
}

/// Twenty thousand bytes that differ for each number.
private func bytes(_ number: Int) -> [UInt8] { (0..<20_000).map { UInt8(truncatingIfNeeded: $0 &* (2 * number + 1)) } }

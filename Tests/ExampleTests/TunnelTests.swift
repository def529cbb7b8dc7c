import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import tunnel

/// The tunnelling proxy, in a simulated network.
@Suite struct TunnelTests {
  @Test func `Each direction of a tunnel ends by itself`() async throws {
    var faults = FaultPlan.calm
    (faults.shortReads, faults.shortWrites, faults.fullBuffers) = (0.2, 0.2, 0.05)
    try await simulate(seeds: 1...30, faults: faults) { runtime in
      try await withProxy(on: runtime) { proxy, listener in
        let peer = runtime.spawn {
          let stream = try await listener.accept()
          let count = try await stream.readToEnd().count
          try await stream.write("there were \(count)")
          stream.close()
        }
        let client = HTTPTestClient(try await runtime.connect(to: proxy))
        try await client.send("CONNECT \(listener.localAddress) HTTP/1.1\r\nHost: a\r\n\r\n")
        try await client.send([UInt8](repeating: 7, count: 50_000))
        try client.stream.shutdownWrite()
        #expect(try await client.readHead().status == 200)
        #expect(try await client.readToEnd() == Array("there were 50000".utf8))
        try await peer.value
      }
    }
  }

  @Test func `If a tunnel fails, the response gives the reason`() async throws {
    try await simulate(seeds: 1...10, faults: .calm) { runtime in
      try await withProxy(on: runtime) { proxy, _ in
        for (target, status) in [("127.0.0.1:1", 502), ("b.example:443", 403)] {
          let client = HTTPTestClient(try await runtime.connect(to: proxy))
          try await client.send("CONNECT \(target) HTTP/1.1\r\nHost: \(target)\r\n\r\n")
          #expect(try await client.readResponse().status == status)
          client.stream.close()
        }
        let client = HTTPTestClient(try await runtime.connect(to: proxy))
        let response = try await client.get("/")
        #expect(response.status == 405 && response["Allow"] == "CONNECT")
        client.stream.close()
      }
    }
  }

  /// Runs `body` with the address of a proxy, and a listener that it may forward to.
  private func withProxy(
    on runtime: SimulatedRuntime, _ body: (SocketAddress, SimulatedRuntime.Listener) async throws -> Void
  ) async throws {
    let listener = try await runtime.listen(on: .loopback(port: 80))
    let forwarder = Forwarder(runtime: runtime, hosts: ["127.0.0.1", "localhost"])
    let server = try await Server(runtime: runtime, address: .loopback(port: 8080), handler: forwarder)
    let running = runtime.spawn { try await server.run() }
    try await body(server.localAddress, listener)
    await server.shutdown()
    try await running.value
  }
}

import Runtime
import RuntimeHTTP
import RuntimeSimulation
import RuntimeTestSupport
import Testing

@testable import websocket_echo

/// The WebSocket server, which `scripts/check-upgrades` also tests from outside.
@Suite struct WebSocketTests {
  @Test(arguments: [
    ("", "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ("abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
    ("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "84983e441c3bd26ebaae4aa1f95129e5e54670f1"),
    (String(repeating: "a", count: 1000), "291e9a6c66994949b57ba5e650361e98fc36b1ba"),
  ])
  func `SHA-1`(message: String, digest: String) {
    let hexadecimal = sha1(Array(message.utf8)).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
    #expect(hexadecimal.joined() == digest)
  }

  @Test func `6455 1_3 - the answer to the key of the RFC`() {
    #expect(webSocketAccept(forKey: "dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
  }

  @Test func `Messages come back whole, however they are split`() async throws {
    var faults = FaultPlan.calm
    (faults.shortReads, faults.shortWrites, faults.fullBuffers) = (0.2, 0.2, 0.05)
    try await simulate(seeds: 1...30, faults: faults) { runtime in
      let server = try await Server(runtime: runtime, address: .loopback(port: 80), handler: WebSocketEcho.router)
      let running = runtime.spawn { try await server.run() }
      let client = HTTPTestClient(try await runtime.connect(to: server.localAddress))
      let head = [
        "GET / HTTP/1.1", "Host: a", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      ]
      try await client.send(head.joined(separator: "\r\n") + "\r\n\r\n")
      // "hello", a ping between its two fragments, and a close.
      try await client.send([0x01, 0x83, 0, 0, 0, 0] + Array("hel".utf8) + [0x89, 0x80, 0, 0, 0, 0])
      try await client.send([0x80, 0x82, 1, 2, 3, 4, 0x6D, 0x6D, 0x88, 0x80, 0, 0, 0, 0])
      #expect(try await client.readHead().status == 101)
      let answer = try await client.readToEnd()
      #expect(answer == [0x8A, 0, 0x81, 5] + Array("hello".utf8) + [0x88, 0])
      await server.shutdown()
      try await running.value
    }
  }
}

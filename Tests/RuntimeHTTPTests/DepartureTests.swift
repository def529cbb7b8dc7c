import Runtime
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// HTTP/1 clients that leave while the handler of their request is still running.
@Suite(.timeLimit(.minutes(10))) struct DepartureTests {
  /// How a client leaves.
  enum Leave: CaseIterable { case close, halfClose }

  @Test(arguments: Leave.allCases, ["GET / HTTP/1.1\r\n", "POST / HTTP/1.1\r\nContent-Length: 2\r\n"])
  func `a client's departure soon cancels the handler and ends the connection`(
    _ leave: Leave, _ head: String
  ) async throws {
    try await inVirtualTime { clock in
      let (hasBegun, wasCancelled) = (Gate(), Gate())
      try await withConnection(
        clock: clock,
        handler: { request in
          _ = try await request.text()
          hasBegun.open()
          do { try await clock.sleep(for: .seconds(100)) } catch {
            wasCancelled.open()
            throw error
          }
          return .text("never")
        }
      ) { client in
        try await client.send(head + "Host: a\r\n\r\n" + (head.hasPrefix("POST") ? "hi" : ""))
        await hasBegun.wait()
        if leave == .close { client.stream.close() } else { try await client.stream.shutdownWrite() }
        await wasCancelled.wait()
        #expect(clock.now.offset < .seconds(4))
        if leave == .halfClose { try await client.expectEnd() }
      }
    }
  }

  @Test
  func `a client that half-closed is answered if the answer is quick, or if the server is configured to serve it`()
    async throws
  {
    for (delay, serves) in [(Duration.milliseconds(500), false), (.seconds(100), true)] {
      try await inVirtualTime { clock in
        var options = ServerOptions.quiet
        options.servesHalfClosedClients = serves
        try await withConnection(
          options: options, clock: clock,
          handler: { _ in
            try await clock.sleep(for: delay)
            return .text("answer")
          }
        ) { client in
          try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
          try await client.stream.shutdownWrite()
          #expect(try await client.readResponse().text == "answer")
        }
      }
    }
  }

  @Test func `a client that half-closed receives a long download to its end`() async throws {
    try await inVirtualTime { clock in
      try await withConnection(
        clock: clock,
        handler: { _ in
          Response(
            body: .stream { writer in
              for _ in 0..<20 {
                try await writer.write("x")
                try await clock.sleep(for: .seconds(2))
              }
            })
        }
      ) { client in
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        try await client.stream.shutdownWrite()
        #expect(try await client.readResponse().body.count == 20)
      }
    }
  }

  @Test func `a stream that waits between two writes is cancelled when its client closes the connection`()
    async throws
  {
    try await Self.expectCancelledStream { client in client.stream.close() }
  }

  @Test func `a stream to a half-closed client is cancelled if the server is configured to do so`() async throws {
    var options = ServerOptions.quiet
    options.endsStreamsToHalfClosedClients = true
    try await Self.expectCancelledStream(options) { client in try await client.stream.shutdownWrite() }
  }

  /// Expects that a stream that waits between two writes is cancelled within four seconds after `leave`.
  private static func expectCancelledStream(
    _ options: ServerOptions = .quiet, after leave: @escaping @Sendable (Client) async throws -> Void
  ) async throws {
    try await inVirtualTime { clock in
      let hasEnded = Gate()
      try await withConnection(
        options: options, clock: clock,
        handler: { _ in
          Response(
            body: .stream { writer in
              defer { hasEnded.open() }
              try await writer.write("x")
              try await clock.sleep(for: .seconds(100))
            })
        }
      ) { client in
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        _ = try await client.readHead()
        try await leave(client)
        await hasEnded.wait()
        #expect(clock.now.offset < .seconds(4))
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a server cancels the handler on real sockets too`(_ backend: Backend) async throws {
    let (hasBegun, isCancelled) = (Gate(), Gate())
    try await withSetup(on: backend) { setup in
      try await setup.serving({ _ in
        hasBegun.open()
        await isCancelled.waitForCancellation()
        return .text("never")
      }) { server in
        let client = try await setup.client(of: server)
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await hasBegun.wait()
        #expect(server.metrics.requestsInFlight == 1)
        client.stream.close()
        await setup.clock.flying { await isCancelled.wait() }
      }
    }
  }
}

import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Synchronization
import Testing

@testable import RuntimeHTTP

/// A server with HTTP/2 clients, on real sockets and each backend, with a clock that the test controls.
@Suite(.timeLimit(.minutes(10))) struct HTTP2ServerTests {
  @Test(arguments: Backend.allCases)
  func `one port serves both versions`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      try await setup.serving({ .text("\($0.version)") }) { server in
        let http1 = try await setup.client(of: server)
        let http2 = try await setup.http2Client(of: server)
        #expect(try await http1.get("/").text == "HTTP/1.1")
        #expect(try await http2.get("/").text == "HTTP/2")
        #expect(server.metrics.totalConnections == 2 && server.metrics.totalRequests == 2)
        http1.stream.close()
        http2.stream.close()
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `handlers of one connection run concurrently, on the runtime`(_ backend: Backend) async throws {
    let arrived = Atomic<Int>(0)
    let all = Gate()
    try await withSetup(on: backend) { setup in
      try await setup.serving({ _ in
        if arrived.add(1, ordering: .sequentiallyConsistent).newValue == 30 { all.open() }
        await all.wait()
        return .text("together")
      }) { server in
        let client = try await setup.http2Client(of: server)
        var streams: [UInt32] = []
        for _ in 0..<30 { streams.append(try await client.send("GET", "/")) }
        await all.wait()
        for stream in streams {
          let response = try await client.readResponse(on: stream)
          #expect(response.text == "together")
        }
        client.stream.close()
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a shutdown sends GOAWAY twice, answers the requests in flight, and closes`(_ backend: Backend) async throws {
    let (hasBegun, mayEnd) = (Gate(), Gate())
    try await withSetup(on: backend) { setup in
      try await setup.serving({ request in
        if request.path == "/slow" {
          hasBegun.open()
          await mayEnd.wait()
        }
        return .text("done")
      }) { server in
        let (idle, busy) = (try await setup.http2Client(of: server), try await setup.http2Client(of: server))
        try await idle.expectAnswer()
        let stream = try await busy.send("GET", "/slow")
        await hasBegun.wait()
        async let stopped: Void = server.shutdown(grace: .seconds(600))
        for client in [idle, busy] {
          #expect(try await client.readGoAway() == 0)
          #expect(client.lastStream == 0x7FFF_FFFF)
        }
        // A stream that the client opened before it received the first GOAWAY is answered.
        let late = try await busy.send("GET", "/late")
        #expect(try await busy.readGoAway() == 0)
        #expect(try await idle.readGoAway() == 0)
        #expect(idle.lastStream == 1 && (busy.lastStream ?? 0) >= stream)
        try await idle.readToEnd()
        mayEnd.open()
        #expect(try await busy.readResponse(on: stream).text == "done")
        if (busy.lastStream ?? 0) >= late { #expect(try await busy.readResponse(on: late).text == "done") }
        try await busy.readToEnd()
        for client in [idle, busy] { client.stream.close() }
        await stopped
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a shutdown cancels requests that are not done after the grace period`(_ backend: Backend) async throws {
    let (hasBegun, isCancelled) = (Gate(), Gate())
    try await withSetup(on: backend) { setup in
      let server = try await setup.server { _ in
        hasBegun.open()
        await isCancelled.waitForCancellation()
        return .text("")
      }
      let running = setup.runtime.spawn { try await server.run() }
      let client = try await setup.http2Client(of: server)
      _ = try await client.send("GET", "/")
      await hasBegun.wait()
      await setup.clock.flying { await server.shutdown(grace: .seconds(5)) }
      await isCancelled.wait()
      try await running.value
      try? await client.readToEnd()
      client.stream.close()
    }
  }

  // MARK: Legitimate clients

  @Test(arguments: Backend.allCases)
  func `a client may cancel a hundred streams of events and open others immediately`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      try await setup.serving({ request in
        guard request.path == "/events" else { return .text("fine") }
        return Response(
          body: .stream { writer in
            try await writer.write("data: 1\n\n")
            await Gate().waitForCancellation()
          })
      }) { server in
        let client = try await setup.http2Client(of: server)
        try await client.expectAnswer()
        var ended: [UInt32] = []
        for _ in 0..<5 {
          let heads = (0..<100).map { _ in client.head("GET", "/events") }
          for stream in ended { try await client.reset(stream) }
          for head in heads { try await client.stream.write(head.bytes) }
          for head in heads { #expect(try await client.readHead(on: head.stream).status == 200) }
          ended = heads.map(\.stream)
        }
        for stream in ended { try await client.reset(stream) }
        try await client.expectAnswer()
        client.stream.close()
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `streams beyond the limit that a client opens before it reads the settings are refused, and the others answered`(
    _ backend: Backend
  ) async throws {
    let mayAnswer = Gate()
    try await withSetup(on: backend) { setup in
      try await setup.serving({ _ in
        await mayAnswer.wait()
        return .text("fine")
      }) { server in
        // The server ends only when its handlers have ended, even if the test fails.
        defer { mayAnswer.open() }
        let client = try await setup.http2Client(of: server)
        let heads = (0..<320).map { _ in client.head("GET", "/") }
        for head in heads { try await client.stream.write(head.bytes) }
        for head in heads[100...] { #expect(try await client.readReset(on: head.stream) == 7) }
        mayAnswer.open()
        for head in heads[..<100] { #expect(try await client.readResponse(on: head.stream).text == "fine") }
        try await client.expectAnswer()
        client.stream.close()
      }
    }
  }

  @Test(arguments: Backend.allCases)
  func `a client may send PING and SETTINGS with each message`(_ backend: Backend) async throws {
    try await withSetup(on: backend) { setup in
      try await setup.serving({ Response(body: .stream($0.body)) }) { server in
        let client = try await setup.http2Client(of: server)
        let stream = try await client.send("POST", "/", ends: false)
        let frames =
          ClientBytes.frame(.ping, [UInt8](repeating: 0, count: 8)) + ClientBytes.settings((.maximumFrameSize, 16_384))
        for count in 1...1500 {
          try await client.send([0], on: stream)
          try await client.stream.write(frames)
          while client.body(on: stream).count < count { try await client.readFrame() }
        }
        try await client.send([], on: stream, ends: true)
        #expect(try await client.readResponse(on: stream).body.count == 1500)
        client.stream.close()
      }
    }
  }

  // MARK: Attacks on a server with other clients

  @Test(arguments: Backend.allCases, AttackTests.floods)
  func `an attack ends, and other clients are served meanwhile`(
    _ backend: Backend, _ flood: AttackTests.Flood
  ) async throws {
    try await withSetup(on: backend) { setup in
      try await setup.serving({ _ in .text("fine") }) { server in
        let attacker = try await setup.http2Client(of: server)
        let other = try await setup.http2Client(of: server)
        try await other.expectAnswer()
        let stream = attacker.stream
        let attack = Task {
          // Sends as fast as the server reads, until the server stops reading. The server's output is not read.
          for step in 0..<20_000 {
            do { try await stream.write(flood.step(step)) } catch { return }
          }
        }
        for _ in 0..<20 { try await other.expectAnswer() }
        await setup.clock.flying { await attack.value }
        for client in [attacker, other] { client.stream.close() }
        let last = try await setup.http2Client(of: server)
        try await last.expectAnswer()
        last.stream.close()
      }
    }
  }
}

extension ServerSetup {
  /// A client of `server` that has sent its preface.
  func http2Client(of server: TestServer) async throws -> HTTP2TestClient<AnyStream> {
    let client = HTTP2TestClient(try await runtime.connect(to: server.localAddress))
    try await client.start()
    return client
  }
}

import Runtime
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// Timeouts, by a clock that only the tests move. In lockstep the server has read what a client has written.
@Suite(.timeLimit(.minutes(10))) struct TimeoutTests {
  private let clock = ManualClock()

  @Test func `a head that takes too long gets a 408, and not before its time`() async throws {
    try await withConnection(clock: clock, handler: { _ in .text("") }) { client in
      // When the first response is there, all that lay behind its request has been read.
      try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHo")
      #expect(try await client.readResponse().status == 200)
      try await clock.flying {
        let response = try await client.readResponse()
        #expect(response.status == 408)
        #expect(response["Connection"] == "close")
        try await client.expectEnd()
      }
      #expect(clock.now.offset >= .seconds(10) && clock.now.offset <= .seconds(15))
    }
  }

  @Test func `a head that is just in time is served`() async throws {
    try await withConnection(over: .lockstep, clock: clock, handler: { _ in .text("fine") }) { client in
      try await client.send("GET / HTTP/1.1\r\nHo")
      await clock.advance(by: .seconds(9))
      try await client.send("st: a\r\n\r\n")
      #expect(try await client.readResponse().text == "fine")
    }
  }

  @Test func `a connection that sends nothing is closed without a word`() async throws {
    try await withConnection(over: .lockstep, clock: clock, handler: { _ in .text("") }) { client in
      try await clock.flying { try await client.expectEnd() }
      #expect(clock.now.offset >= .seconds(10))
    }
  }

  @Test func `an idle connection is closed without a word`() async throws {
    try await withConnection(over: .lockstep, clock: clock, handler: { _ in .text("") }) { client in
      #expect(try await client.get("/").status == 200)
      try await clock.flying { try await client.expectEnd() }
      #expect(clock.now.offset >= .seconds(60))
    }
  }

  @Test func `content that does not come is told to the handler, and a 408`() async throws {
    let told = Lock<HTTPError?>(nil)
    let isReading = Gate()
    try await withConnection(
      clock: clock,
      handler: { request in
        do {
          for try await _ in request.body { isReading.open() }
          return .text("")
        } catch let error as HTTPError {
          told.withLock { $0 = error }
          throw error
        }
      }
    ) { client in
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhell")
      await isReading.wait()
      try await clock.flying {
        let response = try await client.readResponse()
        #expect(response.status == 408)
        #expect(response["Connection"] == "close")
        try await client.expectEnd()
      }
      #expect(clock.now.offset >= .seconds(30))
    }
    #expect(told.withLock { $0?.status } == .requestTimeout)
  }

  @Test func `content that comes slowly is no stall`() async throws {
    let gates = (0..<4).map { _ in Gate() }
    try await withConnection(
      over: .lockstep, clock: clock,
      handler: { request in
        var count = 0
        for try await _ in request.body {
          gates[count].open()
          count += 1
        }
        return .text("\(count)")
      }
    ) { client in
      try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n")
      for gate in gates {
        try await client.send("a")
        await gate.wait()
        await clock.advance(by: .seconds(29))
      }
      #expect(try await client.readResponse().text == "4")
    }
  }

  @Test func `a handler may take as long as it likes`() async throws {
    let hasBegun = Gate()
    let mayEnd = Gate()
    try await withConnection(
      over: .lockstep, clock: clock,
      handler: { _ in
        hasBegun.open()
        await mayEnd.wait()
        return .text("at last")
      }
    ) { client in
      try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      await hasBegun.wait()
      await clock.advance(by: .seconds(300))
      mayEnd.open()
      #expect(try await client.readResponse().text == "at last")
    }
  }

  @Test(arguments: [false, true])
  func `a peer that does not read has its connection closed`(_ isStream: Bool) async throws {
    let ended = Gate()
    try await withConnection(
      over: .lockstep, clock: clock,
      handler: { _ in
        guard isStream else { return .text("never read") }
        return Response(
          body: .stream { writer in
            defer { ended.open() }
            try await writer.write("never read")
          })
      }
    ) { client in
      try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      await clock.flying {
        if isStream { await ended.wait() }
        // Writing fails once the server has closed its end.
        while (try? await client.send("x")) != nil {}
      }
      #expect(clock.now.offset >= .seconds(30))
    }
  }

  @Test func `a peer that goes on sending after an error is not read for ever`() async throws {
    try await withConnection(over: .lockstep, clock: clock, handler: { _ in .text("") }) { client in
      try await client.send("nonsense\r\n")
      #expect(try await client.readResponse().status == 400)
      await clock.flying {
        while (try? await client.send(String(repeating: "x", count: 1000))) != nil {}
      }
    }
  }
}

import Glibc
import Runtime
import RuntimePrimitives
import RuntimeSimulation
import RuntimeTestSupport
import Testing

@testable import RuntimeHTTP

/// Timeouts in virtual time. In lockstep the server has read everything that a client has written.
@Suite(.timeLimit(.minutes(10))) struct TimeoutTests {
  @Test func `a head that takes too long gets a 408, and not before its timeout`() async throws {
    try await inVirtualTime { clock in
      try await withConnection(clock: clock, handler: { _ in .text("") }) { client in
        // When the first response arrives, the server has read everything that was sent after its request.
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHo")
        #expect(try await client.readResponse().status == 200)
        let response = try await client.readResponse()
        #expect(response.status == 408)
        #expect(response["Connection"] == "close")
        try await client.expectEnd()
        #expect(clock.now.offset >= .seconds(10) && clock.now.offset <= .seconds(11))
      }
    }
  }

  @Test func `a head that is just in time is served`() async throws {
    try await inVirtualTime { clock in
      try await withConnection(over: .lockstep, clock: clock, handler: { _ in .text("fine") }) { client in
        try await client.send("GET / HTTP/1.1\r\nHo")
        try await clock.sleep(for: .seconds(9))
        try await client.send("st: a\r\n\r\n")
        #expect(try await client.readResponse().text == "fine")
      }
    }
  }

  @Test func `a connection that sends nothing is closed without a response`() async throws {
    try await inVirtualTime { clock in
      try await withConnection(over: .lockstep, clock: clock, handler: { _ in .text("") }) { client in
        try await client.expectEnd()
        #expect(clock.now.offset >= .seconds(10) && clock.now.offset <= .seconds(11))
      }
    }
  }

  @Test func `an idle connection is closed without a response`() async throws {
    try await inVirtualTime { clock in
      try await withConnection(over: .lockstep, clock: clock, handler: { _ in .text("") }) { client in
        #expect(try await client.get("/").status == 200)
        try await client.expectEnd()
        #expect(clock.now.offset >= .seconds(60) && clock.now.offset <= .seconds(61))
      }
    }
  }

  @Test func `content that does not arrive throws in the handler and gets a 408`() async throws {
    try await inVirtualTime { clock in
      let told = Lock<HTTPError?>(nil)
      try await withConnection(
        clock: clock,
        handler: { request in
          do { return .text(try await request.text()) } catch let error as HTTPError {
            told.withLock { $0 = error }
            throw error
          }
        }
      ) { client in
        try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhell")
        let response = try await client.readResponse()
        #expect(response.status == 408)
        #expect(response["Connection"] == "close")
        try await client.expectEnd()
        #expect(clock.now.offset >= .seconds(30) && clock.now.offset <= .seconds(31))
      }
      #expect(told.withLock { $0?.status } == .requestTimeout)
    }
  }

  @Test func `slow content does not time out`() async throws {
    try await inVirtualTime { clock in
      try await withConnection(
        over: .lockstep, clock: clock, handler: { .text("\(try await $0.body.collect(upTo: 100_000).count)") }
      ) { client in
        try await client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65536\r\n\r\n")
        for _ in 0..<4 {
          try await clock.sleep(for: .seconds(29))
          try await client.send([UInt8](repeating: 1, count: 16 * 1024))
        }
        #expect(try await client.readResponse().text == "65536")
      }
    }
  }

  @Test func `a handler may take any time`() async throws {
    try await inVirtualTime { clock in
      try await withConnection(
        over: .lockstep, clock: clock,
        handler: { _ in
          try await clock.sleep(for: .seconds(300))
          return .text("at last")
        }
      ) { client in
        let response = try await client.get("/")
        #expect(response.text == "at last")
      }
    }
  }

  @Test(arguments: [false, true])
  func `a connection whose client does not read is closed`(_ isStream: Bool) async throws {
    try await inVirtualTime { clock in
      try await withConnection(
        over: .lockstep, clock: clock,
        handler: { _ in
          isStream ? Response(body: .stream { try await $0.write("never read") }) : .text("never read")
        }
      ) { client in
        try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        // The server does not read while it writes, so this waits until the server has closed its end.
        await #expect(throws: IOError(.write, .system(EPIPE))) { try await client.send("x") }
        #expect(clock.now.offset >= .seconds(30) && clock.now.offset <= .seconds(31))
      }
    }
  }

  @Test func `a client that continues to send after an error is not read indefinitely`() async throws {
    try await inVirtualTime { clock in
      try await withConnection(over: .lockstep, clock: clock, handler: { _ in .text("") }) { client in
        try await client.send("nonsense\r\n")
        #expect(try await client.readResponse().status == 400)
        await #expect(throws: IOError(.write, .system(EPIPE))) {
          while true {
            try await client.send(String(repeating: "x", count: 1000))
            try await clock.sleep(for: .milliseconds(100))
          }
        }
        #expect(clock.now.offset >= .seconds(2) && clock.now.offset <= .milliseconds(3100))
      }
    }
  }
}

import Runtime
import RuntimePrimitives
import RuntimeSimulation
import RuntimeTestSupport
import RuntimeTesting
import Testing

@testable import RuntimeHTTP

/// Timeouts of HTTP/2, in virtual time.
@Suite(.timeLimit(.minutes(10))) struct HTTP2TimeoutTests {
  @Test func `a preface that is not complete in time ends the connection`() async throws {
    try await inVirtualTime { clock in
      try await withConnection(over: .lockstep, clock: clock, handler: { _ in .text("") }) { http1 in
        try await http1.send("PRI * HTTP/2.0\r\n\r\nSM")
        let stream = http1.stream
        _ = try await stream.readToEnd()
        #expect(clock.now.offset >= .seconds(10) && clock.now.offset <= .seconds(15))
      }
    }
  }

  @Test func `an idle connection gets a GOAWAY and is closed`() async throws {
    try await inVirtualTime { clock in
      try await withHTTP2(clock: clock, handler: { _ in .text("") }) { client in
        try await client.expectAnswer()
        let code = try await client.readGoAway()
        try await client.readToEnd()
        #expect(code == ErrorCode.none.rawValue)
        #expect(clock.now.offset >= .seconds(60))
        #expect(client.lastStream == 1)
      }
    }
  }

  @Test func `an idle connection releases its memory, and still knows its closed streams`() async throws {
    try await inVirtualTime { clock in
      let kept = Lock<RequestBody?>(nil)
      try await withHTTP2(
        clock: clock,
        handler: { request in
          kept.withLock { $0 = request.body }
          return .text("early")
        }
      ) { client in
        let stream = try await client.send("POST", "/", ends: false)
        try await client.send([1], on: stream, ends: true)
        _ = try await client.readResponse(on: stream)
        for _ in 0..<4 { try await clock.sleep(for: .seconds(3)) }
        let body = try #require(kept.withLock { $0 })
        await #expect(throws: BodyError.ended) { for try await _ in body {} }
        for _ in 0..<3 { try await client.expectAnswer() }
      }
    }
  }

  @Test func `a client that only pings is idle`() async throws {
    try await inVirtualTime { clock in
      try await withHTTP2(clock: clock, handler: { _ in .text("") }) { client in
        try await client.expectAnswer()
        for _ in 0..<7 {
          try? await client.stream.write(HTTP2Client.frame(6, payload: [UInt8](repeating: 0, count: 8)))
          _ = try? await client.readFrame()
          try await clock.sleep(for: .seconds(7))
        }
        try await client.readToEnd()
        #expect(clock.now.offset <= .seconds(80))
      }
    }
  }

  @Test func `a head that takes too long ends the connection, however often a part of it arrives`() async throws {
    try await inVirtualTime { clock in
      try await withHTTP2(over: .lockstep, clock: clock, handler: { _ in .text("") }) { client in
        try await client.expectAnswer()
        let head = client.head("GET", "/").bytes
        try await client.stream.write(Array(head.prefix(5)))
        for byte in head[5..<7] {
          try await clock.sleep(for: .seconds(4))
          try await client.stream.write([byte])
        }
        try await client.readToEnd()
        #expect(clock.now.offset <= .seconds(15))
      }
    }
  }

  @Test func `a client that continues to send after the end is not read indefinitely, although a handler is running`()
    async throws
  {
    try await inVirtualTime { clock in
      let mayEnd = Gate()
      try await withHTTP2(
        clock: clock,
        handler: { _ in
          await mayEnd.wait()
          return .text("late")
        }
      ) { client in
        let ping = HTTP2Client.frame(6, payload: [UInt8](repeating: 0, count: 8))
        _ = try await client.send("GET", "/")
        try await client.stream.write(Array(ping.prefix(5)))
        try await client.readToEnd()
        await #expect(throws: IOError.self) {
          try await client.stream.write(Array(ping.dropFirst(5)))
          for _ in 0..<20 {
            try await clock.sleep(for: .seconds(1))
            try await client.stream.write(ping)
          }
        }
        mayEnd.open()
      }
    }
  }

  @Test func `slow content does not time out, whatever its frames are`() async throws {
    try await inVirtualTime { clock in
      try await withHTTP2(
        over: .lockstep, clock: clock, handler: { .text("\(try await $0.body.collect(upTo: 100).count)") }
      ) { client in
        // The settings have been acknowledged after this.
        _ = try await client.request("POST", "/")
        let stream = try await client.send("POST", "/", ends: false)
        try await client.send([1], on: stream)
        let frame = HTTP2Client.frame(0, flags: 1, stream: stream, payload: [2, 3, 4, 5, 6])
        try await client.stream.write(Array(frame.prefix(9)))
        for byte in frame.dropFirst(9) {
          try await clock.sleep(for: .seconds(5))
          try await client.stream.write([byte])
        }
        #expect(try await client.readResponse(on: stream).text == "6")
      }
    }
  }

  @Test func `content that does not arrive gets a 408, and costs one stream`() async throws {
    try await inVirtualTime { clock in
      let isReading = Gate()
      try await withHTTP2(
        over: .lockstep, clock: clock,
        handler: { request in
          guard request.path == "/slow" else { return .text("fine") }
          for try await _ in request.body { isReading.open() }
          return .text("never")
        }
      ) { client in
        try await client.expectAnswer()
        let stream = try await client.send("POST", "/slow", ends: false)
        try await client.send([1], on: stream)
        await isReading.wait()
        let response = try await client.readResponse(on: stream)
        #expect(response.status == 408)
        #expect(clock.now.offset >= .seconds(30))
        try await client.expectAnswer()
      }
    }
  }

  @Test func `a client that does not open a window loses its stream, and the handler gets an error`() async throws {
    try await inVirtualTime { clock in
      let told = Lock<BodyError?>(nil)
      let isOver = Gate()
      try await withHTTP2(
        over: .lockstep, clock: clock, settings: [(4, 0)],
        handler: { request in
          guard request.path == "/" else { return Response(status: .noContent) }
          return Response(
            body: .stream { writer in
              defer { isOver.open() }
              do { while true { try await writer.write([UInt8](repeating: 0, count: 10_000)) } } catch let error
                as BodyError
              {
                told.withLock { $0 = error }
                throw error
              }
            })
        }
      ) { client in
        #expect(try await client.get("/empty").status == 204)
        let stream = try await client.send("GET", "/")
        _ = try await client.readHead(on: stream)
        let code = try await client.readReset(on: stream)
        await isOver.wait()
        #expect(code == ErrorCode.cancel.rawValue)
        #expect(clock.now.offset >= .seconds(30))
        #expect(try await client.get("/empty").status == 204)
      }
      #expect(told.withLock { $0 } == .disconnected)
    }
  }

  @Test func `a connection whose client does not read is closed`() async throws {
    try await inVirtualTime { clock in
      let isOver = Gate()
      try await withHTTP2(
        over: .lockstep, clock: clock,
        handler: { request in
          if request.path == "/hello" { return .text("hello") }
          await isOver.waitForCancellation()
          return .text("")
        }
      ) { client in
        try await client.expectAnswer()
        _ = try await client.send("GET", "/")
        // The server's answer to this is not read.
        try await client.stream.write(HTTP2Client.frame(6, payload: [UInt8](repeating: 0, count: 8)))
        await isOver.wait()
        #expect(clock.now.offset >= .seconds(30))
      }
    }
  }

  @Test func `settings that are not acknowledged end the connection`() async throws {
    try await inVirtualTime { clock in
      try await withConnection(clock: clock, handler: { _ in .text("") }) { http1 in
        try await http1.send(ClientBytes.start + ClientBytes.request(1))
        let reader = http1.stream
        let sent = try await reader.readToEnd()
        #expect(String(decoding: sent, as: UTF8.self).contains("not acknowledged"))
        #expect(clock.now.offset >= .seconds(10))
      }
    }
  }

  @Test func `a dead client is detected while a request is in flight`() async throws {
    try await inVirtualTime { clock in
      let (hasBegun, isCancelled) = (Gate(), Gate())
      try await withHTTP2(
        clock: clock,
        handler: { _ in
          hasBegun.open()
          await isCancelled.waitForCancellation()
          return .text("")
        }
      ) { client in
        _ = try await client.send("GET", "/")
        // The client acknowledges the settings. After that it reads nothing and answers no PING.
        while try await client.readFrame().type != 4 {}
        await hasBegun.wait()
        await isCancelled.wait()
        #expect(clock.now.offset >= .seconds(60) && clock.now.offset <= .seconds(75))
      }
    }
  }

  @Test func `a handler may take any time while its client answers pings`() async throws {
    try await inVirtualTime { clock in
      let (hasBegun, mayEnd) = (Gate(), Gate())
      try await withHTTP2(
        clock: clock,
        handler: { request in
          if request.path == "/hello" { return .text("hello") }
          hasBegun.open()
          await mayEnd.wait()
          return .text("at last")
        }
      ) { client in
        try await client.expectAnswer()
        let stream = try await client.send("GET", "/")
        await hasBegun.wait()
        for _ in 0..<6 {
          try await clock.sleep(for: .seconds(32))
          var pings = 0
          while pings == 0 { if try await client.readFrame().type == 6 { pings += 1 } }
          // When this is answered, the PING has been answered too.
          try await client.expectAnswer()
        }
        mayEnd.open()
        #expect(try await client.readResponse(on: stream).text == "at last")
      }
    }
  }
}

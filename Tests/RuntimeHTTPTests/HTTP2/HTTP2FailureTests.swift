import Runtime
import RuntimePrimitives
import RuntimeSimulation
import RuntimeTestSupport
import Synchronization
import Testing

@testable import RuntimeHTTP

/// HTTP/2 clients and handlers that fail.
@Suite(.timeLimit(.minutes(10))) struct HTTP2FailureTests {
  private struct Bug: Error {}

  @Test func `an error of a handler gives a 500, and costs one response`() async throws {
    let log = Log()
    try await withHTTP2(
      options: log.options,
      handler: { request in
        switch request.path {
        case "/bug": throw Bug()
        case "/teapot": throw HTTPError(.notFound, "none here")
        case "/interim": return Response(status: .continue)
        case "/stream": return Response(body: .stream { _ in throw Bug() })
        default: return .text("fine")
        }
      }
    ) { client in
      #expect(try await client.get("/bug").status == 500)
      #expect(try await client.get("/stream").status == 500)
      #expect(try await client.get("/interim").status == 500)
      let response = try await client.get("/teapot")
      #expect(response.status == 404 && response.text == "none here\n")
      try await client.expectAnswer()
    }
    #expect(log.lines.count == 3 && log.lines.contains { $0.contains("Bug") })
  }

  @Test func `an error after the head has been sent resets its stream only`() async throws {
    let log = Log()
    try await withHTTP2(
      options: log.options,
      handler: { request in
        guard request.path == "/" else { return .text("fine") }
        return Response(
          body: .stream { writer in
            try await writer.write("half")
            throw Bug()
          })
      }
    ) { client in
      let stream = try await client.send("GET", "/")
      #expect(try await client.readReset(on: stream) == ErrorCode.internalError.rawValue)
      try await client.expectAnswer()
    }
    #expect(log.lines.count == 1)
  }

  @Test func `content shorter than declared resets the stream`() async throws {
    try await withHTTP2(handler: { _ in Response(body: .stream(length: 9) { try await $0.write("short") }) }) {
      client in
      let stream = try await client.send("GET", "/")
      #expect(try await client.readReset(on: stream) == ErrorCode.internalError.rawValue)
    }
  }

  @Test func `the reset of a stream cancels its handler immediately`() async throws {
    let (hasBegun, isCancelled) = (Gate(), Gate())
    try await withHTTP2(
      handler: { request in
        guard request.path == "/" else { return .text("fine") }
        hasBegun.open()
        await isCancelled.waitForCancellation()
        return .text("never read")
      }
    ) { client in
      let stream = try await client.send("GET", "/")
      await hasBegun.wait()
      try await client.reset(stream)
      await isCancelled.wait()
      try await client.expectAnswer()
      #expect(client.statuses(on: stream).isEmpty)
    }
  }

  @Test func `the end of the connection cancels all handlers and waits for them`() async throws {
    let running = Atomic<Int>(0)
    let hasBegun = (0..<5).map { _ in Gate() }
    try await withHTTP2(
      handler: { request in
        running.add(1, ordering: .sequentiallyConsistent)
        defer { running.subtract(1, ordering: .sequentiallyConsistent) }
        let isCancelled = Gate()
        let number = Int(request.path.dropFirst()) ?? 0
        hasBegun[number].open()
        await isCancelled.waitForCancellation()
        return .text("")
      }
    ) { client in
      for number in 0..<5 { _ = try await client.send("GET", "/\(number)") }
      for gate in hasBegun { await gate.wait() }
      client.stream.close()
    }
    #expect(running.load(ordering: .sequentiallyConsistent) == 0)
  }

  @Test func `reading and writing on a stream that was reset throws`() async throws {
    let errors = Lock<[BodyError]>([])
    let hasBegun = Gate()
    let isOver = Gate()
    try await withHTTP2(
      handler: { request in
        Response(
          body: .stream { writer in
            defer { isOver.open() }
            try await writer.flush()
            hasBegun.open()
            do { for try await _ in request.body {} } catch let error as BodyError {
              errors.withLock { $0.append(error) }
            }
            do { try await writer.write("x") } catch let error as BodyError {
              errors.withLock { $0.append(error) }
              throw error
            }
          })
      }
    ) { client in
      let stream = try await client.send("POST", "/", ends: false)
      await hasBegun.wait()
      try await client.reset(stream)
      await isOver.wait()
    }
    #expect(errors.withLock { $0 } == [.disconnected, .disconnected])
  }

  @Test func `a body used after its response throws`() async throws {
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
        #expect(try await client.readResponse(on: stream).text == "early")
        // Content that the client still sends is discarded until the client is told to stop, which is soon, however
        // much arrives.
        try await client.send([UInt8](repeating: 0, count: 65_535), on: stream)
        #expect(try await client.readReset(on: stream) == ErrorCode.none.rawValue)
        #expect(clock.now.offset <= .seconds(5))
        let body = try #require(kept.withLock { $0 })
        await #expect(throws: BodyError.ended) { for try await _ in body {} }
        try await client.expectAnswer()
      }
    }
  }

  @Test func `the refusal of a HEAD request has a head only`() async throws {
    try await withHTTP2(handler: { _ in .text("") }) { client in
      let fields = (0..<200).map { ("x-\($0)", "1") }
      let stream = try await client.send("HEAD", "/", fields)
      let response = try await client.readResponse(on: stream)
      #expect(response.status == 431 && response.body.isEmpty)
      try await client.expectAnswer()
    }
  }

  @Test func `of two tasks that read one body, one is told so, and the request is still answered`() async throws {
    let isReading = Gate()
    let isRefused = Gate()
    try await withHTTP2(
      handler: { request in
        // Which of the two is refused depends on which waits first.
        let read: @Sendable () async -> Int? = {
          var count = 0
          do {
            for try await chunk in request.body {
              count += chunk.count
              isReading.open()
            }
            return count
          } catch {
            #expect(error as? BodyError == .busy)
            isRefused.open()
            return nil
          }
        }
        let first = Task { await read() }
        await isReading.wait()
        let counts = [await read(), await first.value].compactMap(\.self)
        return .text("\(counts.count) of 2")
      }
    ) { client in
      let stream = try await client.send("POST", "/", ends: false)
      try await client.send([1], on: stream)
      await isRefused.wait()
      try await client.send([2], on: stream, ends: true)
      #expect(try await client.readResponse(on: stream).text == "1 of 2")
    }
  }
}

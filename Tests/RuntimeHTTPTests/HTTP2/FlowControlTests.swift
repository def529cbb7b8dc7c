import Testing

@testable import RuntimeHTTP

/// Flow control in both directions, RFC 9113 sections 5.2 and 6.9.
@Suite struct FlowControlTests {
  private static let text = String(repeating: "0123456789abcdef", count: 1024)

  /// A connection whose stream 1 has a response of `length` bytes to send.
  private func responding(_ length: Int, after settings: [UInt8] = []) -> CoreScenario {
    let scenario = CoreScenario.begun()
    scenario.send(settings, ClientBytes.request(1))
    scenario.core.respond(scenario.slot(of: 1), .ok, [:], content: [UInt8](repeating: 0x61, count: length))
    return scenario
  }

  private func sent(_ told: [Told]) -> Int {
    told.reduce(0) { sum, it in if case .data(_, let text, _) = it { sum + text.utf8.count } else { sum } }
  }

  private func ends(_ told: [Told]) -> Bool {
    told.contains { if case .data(_, _, ends: true) = $0 { true } else { false } }
  }

  // MARK: Sending

  @Test func `6_9_2 a response uses its stream's window exactly, then waits`() {
    let scenario = responding(100_000)
    let first = scenario.write()
    #expect(sent(first) == 65_535 && !ends(first))
    #expect(scenario.send(ClientBytes.windowUpdate(0, 100_000)) == [])
    #expect(scenario.write() == [])
    scenario.send(ClientBytes.windowUpdate(1, 1))
    #expect(scenario.write() == [.data(1, "a", ends: false)])
    scenario.send(ClientBytes.windowUpdate(1, 50_000))
    let rest = scenario.write()
    #expect(sent(rest) == 34_464 && ends(rest))
  }

  @Test func `6_9_2 a response waits for the connection's window`() {
    let scenario = responding(100_000)
    scenario.send(ClientBytes.windowUpdate(1, 100_000))
    #expect(sent(scenario.write()) == 65_535)
    scenario.send(ClientBytes.windowUpdate(0, 100_000))
    #expect(ends(scenario.write()))
  }

  @Test func `6_9_2 a stream without a window does not delay other streams`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.settings((.initialWindowSize, 0)), ClientBytes.request(1), ClientBytes.request(3))
    for stream: StreamID in [1, 3] {
      scenario.core.respond(scenario.slot(of: stream), .ok, [:], content: Array("hello".utf8))
    }
    #expect(sent(scenario.write()) == 0)
    scenario.send(ClientBytes.windowUpdate(3, 5))
    #expect(scenario.write() == [.data(3, "hello", ends: true)])
  }

  @Test func `6_9_2 a change of the initial window applies to open streams, whose windows may become negative`() {
    let scenario = responding(100_000)
    #expect(sent(scenario.write()) == 65_535)
    scenario.send(ClientBytes.windowUpdate(0, 100_000), ClientBytes.settings((.initialWindowSize, 65_435)))
    scenario.send(ClientBytes.windowUpdate(1, 100))
    #expect(scenario.write() == [])
    scenario.send(ClientBytes.windowUpdate(1, 1))
    #expect(scenario.write() == [.data(1, "a", ends: false)])
    scenario.send(ClientBytes.settings((.initialWindowSize, 65_436)))
    #expect(scenario.write() == [.data(1, "a", ends: false)])
  }

  @Test func `6_9_2 a change of the initial window that makes a window too large is an error`() {
    let scenario = responding(100_000)
    scenario.send(ClientBytes.windowUpdate(1, 0x7FFF_FFFF - 65_535))
    #expect(scenario.send(ClientBytes.settings((.initialWindowSize, 65_536))).contains(.failed(.flowControlError)))
  }

  @Test func `6_9 an end without content needs no window`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.settings((.initialWindowSize, 0)), ClientBytes.request(1))
    let slot = scenario.slot(of: 1)
    scenario.core.sendHead(slot, .ok, [:], length: nil)
    _ = scenario.take()
    #expect(throws: Never.self) { try scenario.core.endContent(slot, trailers: nil) }
    #expect(scenario.write() == [.data(1, "", ends: true)])
  }

  @Test func `4_2 no frame is longer than the client accepts`() {
    let scenario = responding(60_000, after: ClientBytes.settings((.maximumFrameSize, 1 << 20)))
    #expect(
      scenario.write().allSatisfy { if case .data(_, let text, _) = $0 { text.utf8.count <= 16_384 } else { true } })
  }

  @Test func `more content than declared is refused, and less cannot be ended`() throws {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    let slot = scenario.slot(of: 1)
    scenario.core.sendHead(slot, .ok, [:], length: 3)
    #expect(throws: BodyError.wrongLength) { try scenario.core.write(slot, Array("abcd".utf8)) }
    try scenario.core.write(slot, Array("ab".utf8))
    #expect(throws: BodyError.wrongLength) { try scenario.core.endContent(slot, trailers: nil) }
  }

  // MARK: Receiving

  @Test func `6_9_1 content beyond a stream's window resets the stream`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    for _ in 0..<3 { #expect(scenario.send(ClientBytes.data(1, Self.text)) == [.content(1)]) }
    #expect(scenario.send(ClientBytes.data(1, Self.text)).contains(.reset(1, .flowControlError)))
    #expect(!scenario.hasFailed)
  }

  @Test func `6_9_1 content beyond the connection's window ends the connection`() {
    var options = HTTP2Options.plain
    options.initialConnectionWindow = 65_535
    options.maximumUnreadLength = 0
    let scenario = CoreScenario.begun(options)
    for stream: StreamID in [1, 3] {
      scenario.send(ClientBytes.request(stream, ClientBytes.post, flags: .endHeaders))
    }
    for _ in 0..<3 { scenario.send(ClientBytes.data(1, Self.text)) }
    scenario.send(ClientBytes.data(3, Self.text.dropLast().description))
    #expect(scenario.send(ClientBytes.data(3, "x")).contains(.failed(.flowControlError)))
  }

  @Test func `6_9 a window is updated when half of it has been read`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    scenario.send(ClientBytes.data(1, Self.text), ClientBytes.data(1, Self.text))
    let slot = scenario.slot(of: 1)
    #expect(scenario.core.takeContent(slot).count == 32_768)
    #expect(scenario.take() == [.windowUpdate(1, 32_768)])
    scenario.send(ClientBytes.data(1, "x"))
    _ = scenario.core.takeContent(slot)
    #expect(scenario.take() == [])
  }

  @Test func `6_9 a handler that does not read stops its own stream and no other`() {
    let scenario = CoreScenario.begun()
    for stream: StreamID in [1, 3] {
      scenario.send(ClientBytes.request(stream, ClientBytes.post, flags: .endHeaders))
    }
    for _ in 0..<3 { scenario.send(ClientBytes.data(1, Self.text)) }
    // Stream 1 is not read, and ten times the connection's first window goes through stream 3.
    for _ in 0..<640 {
      scenario.send(ClientBytes.data(3, Self.text))
      _ = scenario.core.takeContent(scenario.slot(of: 3))
    }
    #expect(!scenario.hasFailed && scenario.core.unreadCount == 3 * Self.text.utf8.count)
  }

  @Test func `unread content and the window together stay within their limit`() {
    var options = HTTP2Options.plain
    (options.initialConnectionWindow, options.maximumUnreadLength) = (100_000, 200_000)
    let scenario = CoreScenario.begun(options)
    var (window, unread) = (100_000, 0)
    for stream: StreamID in stride(from: 1, through: 39, by: 2) {
      scenario.send(ClientBytes.request(stream, ClientBytes.post, flags: .endHeaders))
      for _ in 0..<2 where window >= Self.text.utf8.count {
        (window, unread) = (window - Self.text.utf8.count, unread + Self.text.utf8.count)
        for told in scenario.send(ClientBytes.data(stream, Self.text)) {
          if case .windowUpdate(0, let increment) = told { window += increment }
        }
        #expect(unread + window <= 200_000)
      }
    }
    #expect(!scenario.hasFailed && unread > 150_000)
    // Content that a handler has taken counts until the handler asks for more.
    let slot = scenario.slot(of: 1)
    let taken = scenario.core.takeContent(slot).count
    #expect(scenario.core.unreadCount + scenario.core.takenCount == unread)
    scenario.core.releaseTakenContent(slot)
    #expect(taken > 0 && scenario.core.unreadCount + scenario.core.takenCount == unread - taken)
  }

  @Test func `if memory is short, reading updates the connection's window only down to the minimum`() {
    let scenario = CoreScenario.begun()
    scenario.core.setPressure(.high)
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    let slot = scenario.slot(of: 1)
    var window = scenario.core.receiveWindow.available
    #expect(window == HTTP2Options.plain.initialConnectionWindow)
    // A stream that is read continues, and the window shrinks to the initial window of the protocol.
    for _ in 0..<200 {
      for told in scenario.send(ClientBytes.data(1, Self.text)) {
        if case .windowUpdate(0, let increment) = told { window += increment }
      }
      window -= Self.text.utf8.count
      _ = scenario.core.takeContent(slot)
      for told in scenario.take() { if case .windowUpdate(0, let increment) = told { window += increment } }
    }
    #expect(!scenario.hasFailed && window <= 65_535)
    // The window grows again when memory is available.
    scenario.core.setPressure(.none)
    scenario.send(ClientBytes.data(1, Self.text))
    _ = scenario.core.takeContent(slot)
    #expect(scenario.core.receiveWindow.size == HTTP2Options.plain.initialConnectionWindow)
  }

  @Test func `if memory is short, a connection that holds more than its share opens no stream`() {
    let scenario = CoreScenario.begun()
    scenario.core.setPressure(.high)
    for step in 0..<16 { #expect(scenario.send(ClientBytes.request(StreamID(2 * step + 1))).count == 1) }
    #expect(scenario.send(ClientBytes.request(33)) == [.reset(33, .refusedStream)])
    scenario.core.setPressure(.none)
    #expect(scenario.send(ClientBytes.request(35)) == [.request(35)])
    scenario.core.setPressure(.full)
    #expect(CoreScenario.begun().send(ClientBytes.request(1)) == [.request(1)])
    #expect(scenario.send(ClientBytes.request(37)) == [.reset(37, .refusedStream)])
  }

  @Test func `6_9 a client may send everything before it reads, although the handler has answered and ended`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders), ClientBytes.data(1, Self.text))
    let slot = scenario.slot(of: 1)
    scenario.core.respond(slot, .ok, [:], content: [UInt8](repeating: 0x61, count: 100_000))
    scenario.core.endHandler(slot)
    // The client has no window left for the response, and reads nothing until it has sent a megabyte.
    #expect(sent(scenario.write()) == 65_535)
    for _ in 0..<64 {
      // The core reports no content for a handler that has ended.
      #expect(!scenario.send(ClientBytes.data(1, Self.text)).contains(.content(1)))
    }
    #expect(!scenario.hasFailed && scenario.core.unreadCount == 0)
    scenario.send(ClientBytes.windowUpdate(1, 100_000), ClientBytes.windowUpdate(0, 100_000))
    #expect(ends(scenario.write()))
  }

  @Test func `6_9_1 the server's windows never exceed the maximum, whatever the options are`() {
    var options = HTTP2Options.plain
    options.initialConnectionWindow = .max
    options.initialStreamWindow = .max
    #expect(CoreScenario(options).take() == [.settings, .windowUpdate(0, 0x7FFF_FFFF - 65_535)])
    var window = ReceiveWindow(65_535)
    #expect(window.receive(1000) && window.grow(to: .max) == 0x7FFF_FFFF - 65_535)
    #expect(window.available == 0x7FFF_FFFF - 1000 && window.release(1000) == 0)
  }

  @Test func `6_9_1 padding uses the window, and is returned immediately`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    let padded = ClientBytes.frame(.data, .padded, stream: 1, [255] + [UInt8](repeating: 0, count: 256))
    for _ in 0..<1000 { scenario.send(padded) }
    #expect(!scenario.hasFailed && scenario.core.streams[scenario.slot(of: 1)].unread.count == 1000)
  }

  @Test func `6_9 content for a stream that the server has ended is returned to the connection's window`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    scenario.core.reset(scenario.slot(of: 1), .cancel)
    for _ in 0..<200 { scenario.send(ClientBytes.data(1, Self.text)) }
    #expect(!scenario.hasFailed)
  }

  @Test func `windows grow to the content of a round trip, up to their limit`() {
    var options = HTTP2Options()
    options.maximumStreamWindow = 300_000
    let scenario = CoreScenario.begun(options)
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    var largest = 0
    for round in 0..<20 {
      // Each round trip takes a millisecond, and brings all that the window allows.
      while scenario.core.streams[scenario.slot(of: 1)].receiveWindow.available >= Self.text.utf8.count {
        scenario.send(ClientBytes.data(1, Self.text))
      }
      scenario.now += 1_000_000 + Int64(round)
      scenario.send(
        ClientBytes.frame(.ping, .acknowledgement, ClientBytes.bytes(HTTP2Core.PingData.bandwidth)))
      _ = scenario.core.takeContent(scenario.slot(of: 1))
      largest = max(largest, scenario.core.streams[scenario.slot(of: 1)].receiveWindow.size)
    }
    #expect(!scenario.hasFailed)
    #expect(largest > 100_000 && largest <= 300_000)
  }

  @Test func `the round trip is not measured while content is far from filling a window`() {
    let scenario = CoreScenario.begun(HTTP2Options())
    let measures = Told.ping(HTTP2Core.PingData.bandwidth)
    for stream: StreamID in [1, 3, 5] {
      scenario.send(ClientBytes.request(stream, ClientBytes.post, flags: .endHeaders))
      #expect(scenario.send(ClientBytes.data(stream, "a form", ends: true)) == [.content(stream)])
    }
    scenario.send(ClientBytes.request(7, ClientBytes.post, flags: .endHeaders))
    let much = ClientBytes.data(7, String(repeating: "x", count: 10_000))
    #expect(!scenario.send(much).contains(measures))
    #expect(scenario.send(much).contains(measures))
    // The round trip is not measured again immediately.
    let heard = ClientBytes.frame(.ping, .acknowledgement, ClientBytes.bytes(HTTP2Core.PingData.bandwidth))
    #expect(!scenario.send(heard, ClientBytes.data(7, "more")).contains(measures))
  }
}

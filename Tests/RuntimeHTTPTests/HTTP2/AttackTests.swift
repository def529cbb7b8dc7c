import Testing

@testable import RuntimeHTTP

/// RFC 9113 section 10.5, and the attacks that have become known: each is mounted, and ends in ENHANCE_YOUR_CALM or
/// costs no more than it should. What they do to a server's other connections is in `HTTP2AttackTests`.
@Suite struct AttackTests {
  struct Flood: CustomTestStringConvertible, Sendable {
    var name: String
    /// Whether each step can stand alone, among requests that are answered, and is no error of the connection.
    var isForgivable = true
    /// The bytes of the attack's n-th step.
    var step: @Sendable (Int) -> [UInt8]
    var testDescription: String { name }
  }

  static func stream(_ step: Int) -> StreamID { StreamID(2 * step + 1) }
  private static let noise = [UInt8](repeating: 0, count: 8)

  static let floods: [Flood] = [
    Flood(name: "CVE-2019-9512: PING") { _ in ClientBytes.frame(.ping, noise) },
    Flood(name: "CVE-2019-9515: SETTINGS") { _ in ClientBytes.settings((.maximumHeaderListSize, 1)) },
    Flood(name: "acknowledgements of SETTINGS") { _ in ClientBytes.settingsAcknowledgement },
    Flood(name: "acknowledgements of PING") { _ in ClientBytes.frame(.ping, .acknowledgement, noise) },
    Flood(name: "acknowledgements of PINGs that we might have sent") { step in
      let known = [HTTP2Core.PingData.bandwidth, HTTP2Core.PingData.keepAlive, HTTP2Core.PingData.shutdown]
      return ClientBytes.frame(.ping, .acknowledgement, ClientBytes.bytes(known[step % 3]))
    },
    Flood(name: "CVE-2019-9513: PRIORITY") { _ in ClientBytes.frame(.priority, stream: 7, [0, 0, 0, 1, 1]) },
    Flood(name: "CVE-2019-9513: PRIORITY_UPDATE") { ClientBytes.priorityUpdate(stream($0 % 100), "u=0") },
    Flood(name: "WINDOW_UPDATE") { _ in ClientBytes.windowUpdate(0, 1) },
    Flood(name: "frames that nobody knows") { _ in ClientBytes.frame(FrameType(rawValue: 0xAA), []) },
    Flood(name: "CVE-2019-9518: empty DATA", isForgivable: false) { step in
      step == 0 ? ClientBytes.request(1, ClientBytes.post, flags: .endHeaders) : ClientBytes.data(1)
    },
    Flood(name: "CVE-2019-9512: PING, each with a byte of content", isForgivable: false) { step in
      step == 0
        ? ClientBytes.request(1, ClientBytes.post, flags: .endHeaders)
        : ClientBytes.data(1, "x") + ClientBytes.frame(.ping, noise)
    },
    Flood(name: "CVE-2019-9518: empty CONTINUATION", isForgivable: false) { step in
      step == 0 ? ClientBytes.request(1, flags: .endStream) : ClientBytes.frame(.continuation, stream: 1)
    },
    Flood(name: "CVE-2024-27316: CONTINUATION without end", isForgivable: false) { step in
      let lines = ClientBytes.block((0..<20).map { ("a\(step)-\($0)", "b") })
      return step == 0
        ? ClientBytes.request(1, flags: .endStream) : ClientBytes.frame(.continuation, stream: 1, lines)
    },
    Flood(name: "CVE-2019-9514: requests that are malformed, so that we reset them") {
      ClientBytes.request(stream($0), [("x", "y")])
    },
    Flood(name: "CVE-2023-44487: rapid reset") {
      ClientBytes.request(stream($0)) + ClientBytes.reset(stream($0))
    },
    Flood(name: "CVE-2025-8671: requests that have us reset them, by WINDOW_UPDATE of 0") {
      ClientBytes.request(stream($0)) + ClientBytes.windowUpdate(stream($0), 0)
    },
    Flood(name: "CVE-2025-8671: by WINDOW_UPDATE beyond the largest window") {
      ClientBytes.request(stream($0)) + ClientBytes.windowUpdate(stream($0), 0x7FFF_FFFF)
    },
    Flood(name: "CVE-2025-8671: by DATA after the end", isForgivable: false) {
      ClientBytes.request(stream($0)) + ClientBytes.data(stream($0), "x")
    },
    Flood(name: "CVE-2025-8671: by PRIORITY of a wrong size") {
      ClientBytes.request(stream($0)) + ClientBytes.frame(.priority, stream: stream($0), [0])
    },
    Flood(name: "streams that are refused, over and over") { ClientBytes.request(stream($0)) },
    Flood(name: "heads that are answered with a 431") {
      ClientBytes.request(stream($0), ClientBytes.get + (0..<150).map { ("a\($0)", "b") })
    },
    Flood(name: "expectations that are answered with a 417") {
      ClientBytes.request(stream($0), ClientBytes.post + [("expect", "miracles")])
    },
    Flood(name: "methods that are answered with a 501") {
      let method = String(repeating: "M", count: 25)
      return ClientBytes.request(stream($0), ClientBytes.get.dropFirst() + [(":method", method)])
    },
  ]

  @Test(arguments: floods)
  func `a flood ends in ENHANCE_YOUR_CALM`(_ flood: Flood) {
    // Handlers end when their stream does, and never answer.
    let scenario = CoreScenario.begun { core, event in
      if case .closed(let slot) = event { core.endHandler(slot) }
    }
    var frames = 0
    var told: [Told] = []
    while frames < 5000, !scenario.hasFailed {
      told = scenario.send(flood.step(frames))
      // Answers leave, so that a flood is not stopped by those that pile up.
      _ = scenario.write()
      frames += 1
    }
    #expect(told.contains(.failed(.enhanceYourCalm)), "after \(frames) frames")
    #expect(frames <= 1500)
    #expect(scenario.core.streams.count <= 100)
  }

  @Test(arguments: floods.filter(\.isForgivable))
  func `a client that works as well is not taken for an attacker`(_ flood: Flood) {
    let scenario = CoreScenario.begun(react: answering("hello"))
    scenario.send(ClientBytes.windowUpdate(0, 1 << 20))
    for step in 0..<3000 {
      // One step of the attack on three requests that are answered.
      for more in 1...3 { scenario.send(ClientBytes.request(Self.stream(4 * step + more))) }
      scenario.send(flood.step(4 * step + 4))
      _ = scenario.write()
    }
    #expect(!scenario.hasFailed)
  }

  @Test func `an idle client may ping for ever`() {
    let scenario = CoreScenario.begun()
    for tick in 1...10_000 {
      _ = scenario.core.advance(to: UInt64(tick))
      for _ in 0..<10 { scenario.send(ClientBytes.frame(.ping, Self.noise)) }
    }
    #expect(!scenario.hasFailed)
  }

  @Test func `a client that has not read for a while may update its windows for each frame that it finds`() throws {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    let slot = scenario.slot(of: 1)
    scenario.core.sendHead(slot, .ok, [:], length: nil)
    for _ in 0..<5000 {
      try scenario.core.write(slot, [0])
      _ = scenario.write()
    }
    for _ in 0..<5000 { scenario.send(ClientBytes.windowUpdate(0, 1), ClientBytes.windowUpdate(1, 1)) }
    #expect(!scenario.hasFailed)
  }

  @Test func `CVE-2019-9511 a window that is opened byte by byte`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.settings((.initialWindowSize, 0)), ClientBytes.request(1))
    scenario.core.respond(scenario.slot(of: 1), .ok, [:], content: [UInt8](repeating: 0, count: 1 << 20))
    var frames = 0
    while frames < 5000, !scenario.hasFailed {
      scenario.send(ClientBytes.windowUpdate(1, 1))
      _ = scenario.write()
      frames += 1
    }
    #expect(scenario.hasFailed && frames <= 1001)
  }

  @Test func `CVE-2019-9517 a peer that does not read has no more answers made for it`() {
    let scenario = CoreScenario(.plain, react: answering(String(repeating: "x", count: 10_000)))
    scenario.send(
      ClientBytes.start, ClientBytes.settings((.initialWindowSize, 1 << 30)), ClientBytes.windowUpdate(0, 1 << 30))
    // Nobody writes, so that nothing leaves.
    var bytes = 0
    for step in 0..<1000 where !scenario.hasFailed {
      for it in scenario.send(ClientBytes.request(Self.stream(step))) {
        if case .data(_, let text, _) = it { bytes += text.utf8.count }
      }
    }
    #expect(bytes <= 100 * 10_000)
  }

  @Test func `a peer that never opens its window has as much kept for it as it has streams`() {
    let scenario = CoreScenario.begun(react: answering(String(repeating: "x", count: 100_000)))
    scenario.send(ClientBytes.settings((.initialWindowSize, 0)))
    for step in 0..<150 { scenario.send(ClientBytes.request(Self.stream(step))) }
    #expect(scenario.core.streams.count == 100)
    // In the end the streams have waited for too long.
    #expect(scenario.write() == [])
    _ = scenario.core.advance(to: 32)
    #expect(scenario.take().filter { if case .reset(_, .cancel) = $0 { true } else { false } }.count == 100)
    #expect(scenario.core.streams.count == 0)
  }

  @Test func `a peer that opens streams and stops keeps nobody waiting for ever`() {
    let scenario = CoreScenario.begun()
    for step in 0..<100 {
      scenario.send(ClientBytes.request(Self.stream(step), ClientBytes.post, flags: .endHeaders))
      scenario.core.awaitContent(scenario.slot(of: Self.stream(step)))
    }
    #expect(scenario.core.advance(to: 30).isEmpty)
    let expired = scenario.core.advance(to: 31)
    #expect(expired == (0..<100).map { .content(scenario.slot(of: Self.stream($0))) })
    let streams = scenario.core.streams
    #expect(streams.slots.allSatisfy { streams[$0].readingError?.status == .requestTimeout })
  }

  /// A head that has a line of 4,000 bytes go into the table, and refers to it so many times.
  private static func bomb(_ stream: StreamID, references: Int) -> [UInt8] {
    let block =
      ClientBytes.block(ClientBytes.get) + [0x40, 1, 0x61, 0x7F, 0xA1, 0x1E]
      + [UInt8](repeating: 0x62, count: 4000) + [UInt8](repeating: 0x80 | 62, count: references)
    return ClientBytes.frame(.headers, [.endHeaders, .endStream], stream: stream, block)
  }

  @Test func `10_5_1 what is decoded for the table's sake alone has the same bound`() {
    var options = HTTP2Options.plain
    options.maximumConcurrentStreams = 0
    let scenario = CoreScenario.begun(options)
    #expect(scenario.send(Self.bomb(1, references: 30)) == [.reset(1, .refusedStream)])
    #expect(scenario.send(Self.bomb(3, references: 1000)).contains(.failed(.enhanceYourCalm)))
  }

  @Test func `frames of a byte are taken in a bounded number at a time`() {
    let scenario = CoreScenario.begun()
    scenario.workPerTurn = HTTP2Batch.mostWork
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    #expect(scenario.pauses == 0)
    let frames = [[UInt8]](repeating: ClientBytes.data(1, "x"), count: 5000)
    #expect(scenario.send(Array(frames.joined())).count { $0 == .content(1) } == 5000)
    #expect(scenario.pauses == 2)
  }

  @Test func `10_5_1 a block that stands for far more than it is`() {
    let scenario = CoreScenario.begun(react: answering("never"))
    let told = scenario.send(Self.bomb(1, references: 30))
    guard case .headers(1, let lines, _)? = told.first else {
      Issue.record("\(told)")
      return
    }
    #expect(lines.first == ":status: 431")
    #expect(scenario.send(Self.bomb(3, references: 1000)).contains(.failed(.enhanceYourCalm)))
    // Only what fits the limit has been copied.
    #expect(scenario.core.streams.slots.allSatisfy { scenario.core.streams[$0].head.fields.bytes.capacity < 70_000 })
  }
}

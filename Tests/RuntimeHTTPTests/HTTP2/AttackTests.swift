import Testing

@testable import RuntimeHTTP

/// RFC 9113 section 10.5 and known attacks. Each attack ends in ENHANCE_YOUR_CALM or has a bounded cost.
/// `HTTP2ServerTests` tests their effect on a server's other connections.
@Suite struct AttackTests {
  struct Flood: CustomTestStringConvertible, Sendable {
    var name: String
    /// Whether each step alone, among requests that are answered, is allowed and is no connection error.
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
    Flood(name: "acknowledgements of PINGs that the server might have sent") { step in
      let known = [HTTP2Core.PingData.bandwidth, HTTP2Core.PingData.keepAlive, HTTP2Core.PingData.shutdown]
      return ClientBytes.frame(.ping, .acknowledgement, ClientBytes.bytes(known[step % 3]))
    },
    Flood(name: "CVE-2019-9513: PRIORITY") { _ in ClientBytes.frame(.priority, stream: 7, [0, 0, 0, 1, 1]) },
    Flood(name: "CVE-2019-9513: PRIORITY_UPDATE") { ClientBytes.priorityUpdate(stream($0 % 100), "u=0") },
    Flood(name: "WINDOW_UPDATE") { _ in ClientBytes.windowUpdate(0, 1) },
    Flood(name: "frames of an unknown type") { _ in ClientBytes.frame(FrameType(rawValue: 0xAA), []) },
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
    Flood(name: "CVE-2024-27316: endless CONTINUATION", isForgivable: false) { step in
      let lines = ClientBytes.block((0..<20).map { ("a\(step)-\($0)", "b") })
      return step == 0
        ? ClientBytes.request(1, flags: .endStream) : ClientBytes.frame(.continuation, stream: 1, lines)
    },
    Flood(name: "CVE-2019-9514: malformed requests, which the server resets") {
      ClientBytes.request(stream($0), [("x", "y")])
    },
    Flood(name: "CVE-2023-44487: rapid reset") {
      ClientBytes.request(stream($0)) + ClientBytes.reset(stream($0))
    },
    Flood(name: "CVE-2025-8671: requests that make the server reset them, by WINDOW_UPDATE of 0") {
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
    Flood(name: "streams that are refused") { ClientBytes.request(stream($0)) },
    Flood(name: "heads that get a 431") {
      ClientBytes.request(stream($0), ClientBytes.get + (0..<150).map { ("a\($0)", "b") })
    },
    Flood(name: "expectations that get a 417") {
      ClientBytes.request(stream($0), ClientBytes.post + [("expect", "miracles")])
    },
    Flood(name: "methods that get a 501") {
      let method = String(repeating: "M", count: 25)
      return ClientBytes.request(stream($0), ClientBytes.get.dropFirst() + [(":method", method)])
    },
  ]

  @Test(arguments: floods)
  func `a flood ends in ENHANCE_YOUR_CALM`(_ flood: Flood) {
    // Handlers end with their stream, and never answer.
    let scenario = CoreScenario.begun { core, event in
      if case .closed(let slot) = event { core.endHandler(slot) }
    }
    var frames = 0
    var told: [Told] = []
    while frames < 5000, !scenario.hasFailed {
      told = scenario.send(flood.step(frames))
      // The output is sent, so that it does not pile up and stop the flood.
      _ = scenario.write()
      frames += 1
    }
    #expect(told.contains(.failed(.enhanceYourCalm)), "after \(frames) frames")
    #expect(frames <= 1500)
    #expect(scenario.core.streams.count <= 100)
  }

  @Test(arguments: floods.filter(\.isForgivable))
  func `a client that also makes proper requests is not taken for an attacker`(_ flood: Flood) {
    let scenario = CoreScenario.begun(react: answering("hello"))
    scenario.send(ClientBytes.windowUpdate(0, 1 << 20))
    for step in 0..<3000 {
      // One step of the attack for every three requests that are answered.
      for more in 1...3 { scenario.send(ClientBytes.request(Self.stream(4 * step + more))) }
      scenario.send(flood.step(4 * step + 4))
      _ = scenario.write()
    }
    #expect(!scenario.hasFailed)
  }

  @Test func `an idle client may ping indefinitely`() {
    let scenario = CoreScenario.begun()
    for tick in 1...10_000 {
      _ = scenario.core.advance(to: UInt64(tick))
      for _ in 0..<10 { scenario.send(ClientBytes.frame(.ping, Self.noise)) }
    }
    #expect(!scenario.hasFailed)
  }

  @Test func `a client that reads late may update its windows for each frame`() throws {
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

  @Test func `CVE-2019-9511 a client that opens its window byte by byte loses its connection`() {
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

  @Test func `CVE-2019-9517 a client that does not read gets a bounded amount of output`() {
    let scenario = CoreScenario(.plain, react: answering(String(repeating: "x", count: 10_000)))
    scenario.send(
      ClientBytes.start, ClientBytes.settings((.initialWindowSize, 1 << 30)), ClientBytes.windowUpdate(0, 1 << 30))
    // The output is not sent.
    var bytes = 0
    for step in 0..<1000 where !scenario.hasFailed {
      for it in scenario.send(ClientBytes.request(Self.stream(step))) {
        if case .data(_, let text, _) = it { bytes += text.utf8.count }
      }
    }
    #expect(bytes <= 100 * 10_000)
  }

  @Test func `a client that never opens its window holds no more memory than its streams may have`() {
    let scenario = CoreScenario.begun(react: answering(String(repeating: "x", count: 100_000)))
    scenario.send(ClientBytes.settings((.initialWindowSize, 0)))
    for step in 0..<150 { scenario.send(ClientBytes.request(Self.stream(step))) }
    #expect(scenario.core.streams.count == 100)
    // The streams time out in the end.
    #expect(scenario.write() == [])
    _ = scenario.core.advance(to: 32)
    #expect(scenario.take().filter { if case .reset(_, .cancel) = $0 { true } else { false } }.count == 100)
    #expect(scenario.core.streams.count == 0)
  }

  @Test func `handlers do not wait indefinitely for a client that opens streams and stops`() {
    let scenario = CoreScenario.begun()
    for step in 0..<100 {
      scenario.send(ClientBytes.request(Self.stream(step), ClientBytes.post, flags: .endHeaders))
      scenario.core.startContentDeadline(scenario.slot(of: Self.stream(step)))
    }
    #expect(scenario.core.advance(to: 30).isEmpty)
    let expired = scenario.core.advance(to: 31)
    #expect(expired == (0..<100).map { .content(scenario.slot(of: Self.stream($0))) })
    let streams = scenario.core.streams
    #expect(streams.slots.allSatisfy { streams[$0].readingError?.status == .requestTimeout })
  }

  /// A head that adds a line of 4,000 bytes to the table and refers to it `references` times.
  private static func bomb(_ stream: StreamID, references: Int) -> [UInt8] {
    let block =
      ClientBytes.block(ClientBytes.get) + [0x40, 1, 0x61, 0x7F, 0xA1, 0x1E]
      + [UInt8](repeating: 0x62, count: 4000) + [UInt8](repeating: 0x80 | 62, count: references)
    return ClientBytes.frame(.headers, [.endHeaders, .endStream], stream: stream, block)
  }

  @Test func `10_5_1 a block that is only decoded for the table has the same limit`() {
    var options = HTTP2Options.plain
    options.maximumConcurrentStreams = 0
    let scenario = CoreScenario.begun(options)
    #expect(scenario.send(Self.bomb(1, references: 30)) == [.reset(1, .refusedStream)])
    #expect(scenario.send(Self.bomb(3, references: 1000)).contains(.failed(.enhanceYourCalm)))
  }

  @Test func `a turn decodes a bounded number of one-byte frames`() {
    let scenario = CoreScenario.begun()
    scenario.workPerTurn = HTTP2Batch.mostWork
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    #expect(scenario.pauses == 0)
    let frames = [[UInt8]](repeating: ClientBytes.data(1, "x"), count: 5000)
    #expect(scenario.send(Array(frames.joined())).count { $0 == .content(1) } == 5000)
    #expect(scenario.pauses == 2)
  }

  @Test func `10_5_1 a block that decodes to far more than its size is refused`() {
    let scenario = CoreScenario.begun(react: answering("never"))
    let told = scenario.send(Self.bomb(1, references: 30))
    guard case .headers(1, let lines, _)? = told.first else {
      Issue.record("\(told)")
      return
    }
    #expect(lines.first == ":status: 431")
    #expect(scenario.send(Self.bomb(3, references: 1000)).contains(.failed(.enhanceYourCalm)))
    // Only the fields within the limit have been copied.
    #expect(scenario.core.streams.slots.allSatisfy { scenario.core.streams[$0].head.fields.bytes.capacity < 70_000 })
  }
}

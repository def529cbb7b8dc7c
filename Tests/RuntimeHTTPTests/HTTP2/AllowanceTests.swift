import Testing

@testable import RuntimeHTTP

/// Legitimate heavy use by clients is not taken for an attack, and the limits are where they should be. `AttackTests`
/// has the attacks.
@Suite struct AllowanceTests {
  private static let ping = ClientBytes.frame(.ping, [UInt8](repeating: 0, count: 8))
  private static func stream(_ step: Int) -> StreamID { AttackTests.stream(step) }

  /// How many streams, at most a thousand, a client uses with `use` before it loses its connection.
  private static func streamsUntilFailure(of scenario: CoreScenario, _ use: (StreamID) -> Void) -> Int {
    var count = 0
    while count < 1000, !scenario.hasFailed {
      use(stream(count))
      count += 1
    }
    return count
  }

  // MARK: Frames that move no content

  @Test(arguments: [1, 100, 16 * 1024])
  func `content that is sent pays for PING, SETTINGS and WINDOW_UPDATE`(length: Int) throws {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    let slot = scenario.slot(of: 1)
    scenario.core.sendHead(slot, .ok, [:], length: nil)
    for _ in 0..<5000 {
      try scenario.core.write(slot, [UInt8](repeating: 0, count: length))
      _ = scenario.write()
      scenario.send(
        Self.ping, ClientBytes.settings((.maximumFrameSize, 16_384)),
        ClientBytes.windowUpdate(0, UInt32(length)), ClientBytes.windowUpdate(1, UInt32(length)))
    }
    #expect(!scenario.hasFailed)
  }

  @Test func `content that is received pays for PING and SETTINGS`() {
    let scenario = CoreScenario.begun { core, event in
      if case .content(let slot) = event { _ = core.takeContent(slot) }
    }
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    let text = String(repeating: "x", count: 256)
    for _ in 0..<5000 { scenario.send(ClientBytes.data(1, text), Self.ping, ClientBytes.settings()) }
    #expect(!scenario.hasFailed)
  }

  @Test func `clients may update their windows for every few kilobytes that they read`() throws {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    let slot = scenario.slot(of: 1)
    scenario.core.sendHead(slot, .ok, [:], length: nil)
    for _ in 0..<1000 {
      try scenario.core.write(slot, [UInt8](repeating: 0, count: 16 * 1024))
      _ = scenario.write()
      for _ in 0..<8 { scenario.send(ClientBytes.windowUpdate(0, 2048), ClientBytes.windowUpdate(1, 2048)) }
    }
    #expect(!scenario.hasFailed)
  }

  @Test(arguments: [ping, ClientBytes.settings(), ClientBytes.windowUpdate(0, 1)])
  func `content pays only for a limited number of frames`(_ frame: [UInt8]) throws {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1))
    let slot = scenario.slot(of: 1)
    scenario.core.sendHead(slot, .ok, [:], length: nil)
    var messages = 0
    while messages < 1000, !scenario.hasFailed {
      try? scenario.core.write(slot, [0])
      _ = scenario.write()
      for _ in 0..<10 { scenario.send(frame) }
      messages += 1
    }
    #expect(scenario.hasFailed && messages <= 200)
  }

  @Test func `time restores an allowance at its rate per second, whatever the length of a tick`() {
    var options = HTTP2Options.plain
    options.overheadAllowance = .init(atOnce: 10, perSecond: 5)
    let scenario = CoreScenario.begun(options, tickLength: .milliseconds(300))
    // The acknowledgement of our SETTINGS is one of the ten.
    for _ in 0..<9 { scenario.send(Self.ping) }
    for tick in 1...1000 {
      _ = scenario.core.advance(to: UInt64(tick))
      // Five per second are three in two ticks.
      for _ in 0..<(tick % 2 == 0 ? 2 : 1) { scenario.send(Self.ping) }
    }
    #expect(!scenario.hasFailed)
    #expect(scenario.send(Self.ping).contains(.failed(.enhanceYourCalm)))
  }

  // MARK: Streams without a result

  /// Opens a stream, and sends a part of its response.
  private func begin(_ stream: StreamID, in scenario: CoreScenario) throws {
    try #require(scenario.send(ClientBytes.request(stream)) == [.request(stream)])
    scenario.core.sendHead(scenario.slot(of: stream), .ok, [:], length: nil)
    _ = scenario.write()
  }

  @Test func `streams of events may end with the client's CANCEL`() throws {
    let scenario = CoreScenario.begun { core, event in
      if case .closed(let slot) = event { core.endHandler(slot) }
    }
    for step in 0..<3000 {
      try begin(Self.stream(step), in: scenario)
      // Some clients immediately check whether the server is still there.
      scenario.send(ClientBytes.reset(Self.stream(step)), Self.ping)
    }
    #expect(!scenario.hasFailed && scenario.core.streams.count == 0 && scenario.core.abandonedCount == 0)
  }

  @Test(arguments: [(100, 10), (1000, 1), (400, 3)])
  func `a client may give up requests after it has waited for a second`(tickMilliseconds: Int, ticks: UInt64) {
    for isPatient in [true, false] {
      let scenario = CoreScenario.begun(tickLength: .milliseconds(tickMilliseconds)) { core, event in
        if case .closed(let slot) = event { core.endHandler(slot) }
      }
      var (rounds, tick): (Int, UInt64) = (0, 1)
      while rounds < 10, !scenario.hasFailed {
        let streams = (0..<100).map { Self.stream(100 * rounds + $0) }
        for stream in streams { scenario.send(ClientBytes.request(stream)) }
        // The first tick is not a whole one.
        for _ in 0..<ticks + (isPatient ? 1 : 0) {
          tick += 1
          _ = scenario.core.advance(to: tick)
        }
        for stream in streams { scenario.send(ClientBytes.reset(stream)) }
        rounds += 1
      }
      #expect(scenario.hasFailed == !isPatient)
    }
  }

  @Test func `a response that has not been sent does not count as a result`() {
    let scenario = CoreScenario.begun { core, event in
      switch event {
      case .request(let slot): core.sendHead(slot, .ok, [:], length: nil)
      case .closed(let slot): core.endHandler(slot)
      default: break
      }
    }
    let streams = Self.streamsUntilFailure(of: scenario) { stream in
      scenario.send(ClientBytes.request(stream), ClientBytes.reset(stream))
    }
    #expect(streams == 201)
  }

  @Test func `a response that reports an error in the request does not count as a result`() {
    var server = ServerOptions()
    server.maximumBodyLength = 0
    let scenario = CoreScenario.begun(server: server) { core, event in
      switch event {
      // The handler has read on, and got an error.
      case .content(let slot): core.sendHead(slot, .contentTooLarge, [:], length: nil)
      case .closed(let slot): core.endHandler(slot)
      default: break
      }
    }
    let streams = Self.streamsUntilFailure(of: scenario) { stream in
      scenario.send(
        ClientBytes.request(stream, ClientBytes.post, flags: .endHeaders), ClientBytes.data(stream, "x"),
        ClientBytes.data(stream, "y"))
      _ = scenario.write()
      scenario.send(ClientBytes.reset(stream))
    }
    #expect(streams == 201)
  }

  @Test func `a client may open as many streams as it gives up while their handlers end`() throws {
    let scenario = CoreScenario.begun()
    for step in 0..<100 { try begin(Self.stream(step), in: scenario) }
    for step in 0..<100 { scenario.send(ClientBytes.reset(Self.stream(step))) }
    for step in 100..<200 { try begin(Self.stream(step), in: scenario) }
    #expect(scenario.core.streams.count == 200)
    for step in 100..<200 { scenario.send(ClientBytes.reset(Self.stream(step))) }
    // Now the handlers have to end first, which the client cannot know.
    for step in 200..<500 {
      #expect(scenario.send(ClientBytes.request(Self.stream(step))) == [.reset(Self.stream(step), .refusedStream)])
    }
    for slot in scenario.core.streams.slots { scenario.core.endHandler(slot) }
    #expect(scenario.core.streams.count == 0 && scenario.core.abandonedCount == 0)
    #expect(scenario.send(ClientBytes.request(Self.stream(500))) == [.request(Self.stream(500))])
  }

  @Test func `a large first flight is not a flood`() throws {
    let scenario = CoreScenario()
    var told = scenario.send(ClientBytes.start)
    for step in 0..<320 { told += scenario.send(ClientBytes.request(Self.stream(step))) }
    #expect(told.count { if case .request = $0 { true } else { false } } == 100)
    #expect(told.count { if case .reset(_, .refusedStream) = $0 { true } else { false } } == 220)
    scenario.send(ClientBytes.settingsAcknowledgement)
    try #require(!scenario.hasFailed)
    for step in 0..<100 {
      let slot = scenario.slot(of: Self.stream(step))
      scenario.core.respond(slot, .ok, [:], content: Array("hello".utf8))
      scenario.core.endHandler(slot)
    }
    #expect(scenario.write().count { if case .data(_, "hello", true) = $0 { true } else { false } } == 100)
    #expect(scenario.send(ClientBytes.request(Self.stream(320))) == [.request(Self.stream(320))])
  }

  @Test func `the content of a first flight is discarded, however much of it was refused`() {
    let scenario = CoreScenario()
    scenario.send(ClientBytes.start)
    for step in 0..<800 { scenario.send(ClientBytes.request(Self.stream(step), flags: .endHeaders)) }
    scenario.send(ClientBytes.settingsAcknowledgement)
    for step in 0..<800 { scenario.send(ClientBytes.data(Self.stream(step), "x", ends: true)) }
    #expect(!scenario.hasFailed)
    #expect(scenario.core.streams.count == 100)
  }

  @Test func `an endless first flight is a flood`() {
    let scenario = CoreScenario()
    scenario.send(ClientBytes.start)
    var streams = 0
    while streams < 5000, !scenario.hasFailed {
      scenario.send(ClientBytes.request(Self.stream(streams)))
      streams += 1
    }
    #expect(streams == 1101)
  }

  // MARK: Settings

  @Test(arguments: [0, 5, 50])
  func `the options set the allowances`(atOnce: Int) {
    var options = HTTP2Options.plain
    options.failureAllowance = .init(atOnce: atOnce, perSecond: 0)
    options.overheadAllowance = .init(atOnce: 1 + atOnce, perSecond: 0)
    for step in [Self.ping, nil] {
      let scenario = CoreScenario.begun(options)
      var steps = 0
      while steps < 1000, !scenario.hasFailed {
        let stream = Self.stream(steps)
        scenario.send(step ?? ClientBytes.request(stream) + ClientBytes.reset(stream))
        steps += 1
      }
      #expect(steps == atOnce + 1)
    }
  }

  @Test func `an allowance may be unlimited`() {
    var options = HTTP2Options.plain
    options.failureAllowance = .init(atOnce: .max, perSecond: .max)
    options.overheadAllowance = .init(atOnce: .max, perSecond: .max)
    let scenario = CoreScenario.begun(options) { core, event in
      if case .closed(let slot) = event { core.endHandler(slot) }
    }
    for step in 0..<3000 {
      scenario.send(ClientBytes.request(Self.stream(step)), ClientBytes.reset(Self.stream(step)), Self.ping)
      _ = scenario.core.advance(to: UInt64(step + 1))
    }
    #expect(!scenario.hasFailed)
  }

  @Test func `a negative allowance is zero`() {
    var allowance = HTTP2Options.Allowance(atOnce: -1, perSecond: -1)
    #expect(allowance == .init(atOnce: 0, perSecond: 0))
    allowance.atOnce = -5
    allowance.perSecond = -5
    #expect(allowance == .init(atOnce: 0, perSecond: 0))
  }
}

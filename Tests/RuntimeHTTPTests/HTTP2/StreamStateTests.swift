import Testing

@testable import RuntimeHTTP

/// The result of each frame in each state of its stream, and the level of its error, RFC 9113 section 5.1.
@Suite struct StreamStateTests {
  enum State: String, CaseIterable, CustomTestStringConvertible {
    case idle
    case open
    case halfClosedRemote = "half-closed (remote)"
    case finished = "closed by both sides"
    case resetByPeer = "closed by the peer's RST_STREAM"
    case resetByUs = "closed by the server's RST_STREAM"

    var testDescription: String { rawValue }
  }

  enum Sent: String, CaseIterable, CustomTestStringConvertible {
    case data = "DATA"
    case lastData = "DATA with END_STREAM"
    case headers = "HEADERS"
    case lastHeaders = "HEADERS with END_STREAM"
    case priority = "PRIORITY"
    case reset = "RST_STREAM"
    case pushPromise = "PUSH_PROMISE"
    case windowUpdate = "WINDOW_UPDATE"
    case emptyWindowUpdate = "WINDOW_UPDATE by 0"
    case hugeWindowUpdate = "WINDOW_UPDATE beyond the maximum window"
    case continuation = "CONTINUATION"
    case shortPriority = "PRIORITY of four bytes"
    case malformedHeaders = "HEADERS with a name in upper case"

    var testDescription: String { rawValue }

    func bytes(_ stream: StreamID) -> [UInt8] {
      switch self {
      case .data: ClientBytes.data(stream, "x")
      case .lastData: ClientBytes.data(stream, "x", ends: true)
      case .headers: ClientBytes.request(stream, [("x", "y")], flags: .endHeaders)
      case .lastHeaders: ClientBytes.request(stream, [("x", "y")])
      case .priority: ClientBytes.frame(.priority, stream: stream, [0, 0, 0, 9, 16])
      case .reset: ClientBytes.reset(stream)
      case .pushPromise: ClientBytes.frame(.pushPromise, .endHeaders, stream: stream, [0, 0, 0, 2])
      case .windowUpdate: ClientBytes.windowUpdate(stream, 1)
      case .emptyWindowUpdate: ClientBytes.windowUpdate(stream, 0)
      case .hugeWindowUpdate: ClientBytes.windowUpdate(stream, 0x7FFF_FFFF)
      case .continuation: ClientBytes.frame(.continuation, .endHeaders, stream: stream)
      case .shortPriority: ClientBytes.frame(.priority, stream: stream, [0, 0, 0, 9])
      case .malformedHeaders: ClientBytes.request(stream, [("X", "y")])
      }
    }
  }

  enum Outcome: Equatable {
    /// The frame is ignored.
    case nothing
    case stream(ErrorCode)
    case connection(ErrorCode)
    /// The handler has something to read.
    case content
    /// The handler is told that its stream has closed.
    case closed
  }

  /// The outcomes are in the order of the states above.
  static let table: [Sent: [Outcome]] = [
    .data: [
      .connection(.protocolError), .content, .stream(.streamClosed), .connection(.streamClosed), .stream(.streamClosed),
      .nothing,
    ],
    .lastData: [
      .connection(.protocolError), .content, .stream(.streamClosed), .connection(.streamClosed), .stream(.streamClosed),
      .nothing,
    ],
    // In the idle state these fields are not a request.
    .headers: [
      .stream(.protocolError), .stream(.protocolError), .stream(.streamClosed), .connection(.streamClosed),
      .stream(.streamClosed), .nothing,
    ],
    .lastHeaders: [
      .stream(.protocolError), .content, .stream(.streamClosed), .connection(.streamClosed), .stream(.streamClosed),
      .nothing,
    ],
    .malformedHeaders: [
      .stream(.protocolError), .stream(.protocolError), .stream(.streamClosed), .connection(.streamClosed),
      .stream(.streamClosed), .nothing,
    ],
    .priority: [.nothing, .nothing, .nothing, .nothing, .nothing, .nothing],
    .shortPriority: [
      .connection(.frameSizeError), .stream(.frameSizeError), .stream(.frameSizeError), .stream(.frameSizeError),
      .stream(.frameSizeError), .stream(.frameSizeError),
    ],
    .reset: [.connection(.protocolError), .closed, .closed, .nothing, .nothing, .nothing],
    .pushPromise: Array(repeating: .connection(.protocolError), count: 6),
    .continuation: Array(repeating: .connection(.protocolError), count: 6),
    .windowUpdate: [.connection(.protocolError), .nothing, .nothing, .nothing, .nothing, .nothing],
    .emptyWindowUpdate: [
      .connection(.protocolError), .stream(.protocolError), .stream(.protocolError), .nothing, .nothing, .nothing,
    ],
    .hugeWindowUpdate: [
      .connection(.protocolError), .stream(.flowControlError), .stream(.flowControlError), .nothing, .nothing, .nothing,
    ],
  ]

  @Test(arguments: State.allCases, Sent.allCases)
  func `5_1 a frame has the result that the table gives for the state of its stream`(state: State, sent: Sent) throws {
    let row = try #require(State.allCases.firstIndex(of: state))
    let wanted = try #require(Self.table[sent])[row]
    let scenario = scenario(in: state)
    let told = scenario.send(sent.bytes(1))
    switch wanted {
    case .nothing: #expect(told == [])
    case .content: #expect(told == [.content(1)])
    case .closed: #expect(told == [.closed(1)])
    case .stream(let code):
      #expect(told.contains(.reset(1, code)))
      #expect(!scenario.hasFailed)
      // Other streams are not affected.
      #expect(scenario.send(ClientBytes.request(99)) == [.request(99)])
    case .connection(let code):
      #expect(told.contains(.failed(code)))
      #expect(told.contains { if case .goAway(_, code) = $0 { true } else { false } })
    }
  }

  private func scenario(in state: State) -> CoreScenario {
    let scenario = CoreScenario.begun()
    switch state {
    case .idle: break
    case .open: scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    case .halfClosedRemote: scenario.send(ClientBytes.request(1))
    case .finished:
      scenario.send(ClientBytes.request(1))
      scenario.core.respond(scenario.slot(of: 1), .ok, [:], content: [])
    case .resetByPeer: scenario.send(ClientBytes.request(1), ClientBytes.reset(1))
    case .resetByUs:
      scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
      scenario.core.reset(scenario.slot(of: 1), .cancel)
    }
    _ = scenario.take()
    return scenario
  }

  @Test(arguments: [StreamStateTests.State.finished, .resetByPeer, .resetByUs])
  func `5_1 the way in which a stream closed is known after its handler has ended`(state: State) throws {
    for sent in Sent.allCases {
      let row = try #require(State.allCases.firstIndex(of: state))
      let wanted = try #require(Self.table[sent])[row]
      let scenario = scenario(in: state)
      scenario.core.endHandler(scenario.slot(of: 1))
      #expect(scenario.core.streams.count == 0)
      let told = scenario.send(sent.bytes(1))
      switch wanted {
      case .stream(let code): #expect(told == [.reset(1, code)], "\(sent)")
      case .connection(let code): #expect(told.contains(.failed(code)), "\(sent)")
      default: #expect(told == [], "\(sent)")
      }
    }
  }

  /// A stream whose response has ended before its request: "half-closed (local)".
  private func halfClosedLocal() -> CoreScenario {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1, ClientBytes.post, flags: .endHeaders))
    scenario.core.respond(scenario.slot(of: 1), .ok, [:], content: Array("no".utf8))
    scenario.core.endHandler(scenario.slot(of: 1))
    #expect(
      scenario.take() == [.headers(1, [":status: 200", "content-length: 2"], ends: false), .data(1, "no", ends: true)])
    return scenario
  }

  @Test func `5_1 half-closed (local): the rest of the request is read and discarded`() {
    let scenario = halfClosedLocal()
    #expect(scenario.send(ClientBytes.data(1, "on its way"), ClientBytes.windowUpdate(1, 5)) == [])
    #expect(scenario.send(ClientBytes.data(1, "and its end", ends: true)) == [])
    #expect(scenario.core.streams.count == 0 && scenario.core.unreadCount == 0)
    #expect(scenario.send(ClientBytes.data(1, "x")).contains(.failed(.streamClosed)))
  }

  @Test func `8_1 half-closed (local): a client may send a limited amount, and is then told to stop`() {
    let scenario = halfClosedLocal()
    let text = String(repeating: "x", count: 13_107)
    for count in 1...80 {
      let told = scenario.send(ClientBytes.data(1, text))
      #expect(told.allSatisfy { if case .windowUpdate = $0 { true } else { false } }, "after \(count)")
    }
    // The client has sent a mebibyte less 16 bytes. The server still reads what the window allows.
    let told = scenario.send(ClientBytes.data(1, "and 17 bytes more")) + scenario.send(ClientBytes.data(1, text))
    #expect(told.allSatisfy { if case .windowUpdate(0, _) = $0 { true } else { false } })
    _ = scenario.core.advance(to: 3)
    #expect(scenario.take() == [.reset(1, .none)])
    #expect(scenario.send(ClientBytes.data(1, "on its way")) == [] && scenario.core.streams.count == 0)
  }

  @Test func `5_1 half-closed (local): a client that sends nothing more is told to stop`() {
    let scenario = halfClosedLocal()
    _ = scenario.core.advance(to: 2)
    #expect(scenario.take() == [])
    _ = scenario.core.advance(to: 3)
    #expect(scenario.take() == [.reset(1, .none)])
    #expect(scenario.core.streams.count == 0)
  }

  @Test func `5_1 half-closed (local): a client may reset its request`() {
    let scenario = halfClosedLocal()
    #expect(scenario.send(ClientBytes.reset(1)) == [])
    #expect(scenario.core.streams.count == 0)
  }

  @Test func `5_4_1 nothing follows the GOAWAY of a connection error`() {
    let scenario = CoreScenario.begun()
    scenario.send(ClientBytes.request(1), ClientBytes.request(3), ClientBytes.request(5))
    let slots = [1, 3, 5].map { scenario.slot(of: $0) }
    // One stream has content that waits for its turn, one is answered too late, and one is reset.
    scenario.core.respond(slots[0], .ok, [:], content: [UInt8](repeating: 0x61, count: 30_000))
    _ = scenario.take()
    #expect(scenario.send(ClientBytes.request(2)) == [.failed(.protocolError), .goAway(5, .protocolError)])
    scenario.core.respond(slots[1], .ok, [:], content: Array("late".utf8))
    scenario.core.reset(slots[2], .internalError)
    for slot in slots { scenario.core.endHandler(slot) }
    #expect(scenario.write() == [])
    #expect(scenario.isFinished && scenario.core.streams.count == 0)
  }

  @Test func `5_1_1 the streams of a client have increasing odd numbers`() {
    #expect(tell(ClientBytes.request(2)) == [.failed(.protocolError), .goAway(0, .protocolError)])
    #expect(
      tell(ClientBytes.request(5) + ClientBytes.request(3)).suffix(2) == [
        .failed(.protocolError), .goAway(5, .protocolError),
      ])
    #expect(tell(ClientBytes.request(0)) == [.failed(.protocolError), .goAway(0, .protocolError)])
  }

  @Test func `5_1_2 streams above the limit are refused, and their header blocks are decoded too`() {
    var options = HTTP2Options.plain
    options.maximumConcurrentStreams = 2
    let scenario = CoreScenario.begun(options)
    // The block of the third stream adds a line to the table, and the block of the last refers to it.
    let indexed = ClientBytes.block(ClientBytes.get) + [0x40, 1, UInt8(ascii: "x"), 1, UInt8(ascii: "y")]
    let told = scenario.send(
      ClientBytes.request(1), ClientBytes.request(3),
      ClientBytes.frame(.headers, [.endHeaders, .endStream], stream: 5, indexed))
    #expect(told == [.request(1), .request(3), .reset(5, .refusedStream)])
    scenario.core.respond(scenario.slot(of: 1), .ok, [:], content: [])
    scenario.core.endHandler(scenario.slot(of: 1))
    _ = scenario.write()
    let last = ClientBytes.block(ClientBytes.get) + [0x80 | 62]
    #expect(
      scenario.send(ClientBytes.frame(.headers, [.endHeaders, .endStream], stream: 7, last)) == [.request(7)])
    #expect(scenario.core.streams[scenario.slot(of: 7)].head.fields["x"] == "y")
  }

  @Test func `5_1_2 a stream counts until its handler has ended and its response is written`() {
    var options = HTTP2Options.plain
    options.maximumConcurrentStreams = 1
    let scenario = CoreScenario.begun(options)
    scenario.send(ClientBytes.request(1), ClientBytes.reset(1))
    #expect(scenario.send(ClientBytes.request(3)) == [.reset(3, .refusedStream)])
    scenario.core.endHandler(scenario.slot(of: 1))
    #expect(scenario.send(ClientBytes.request(5)) == [.request(5)])
    scenario.core.respond(scenario.slot(of: 5), .ok, [:], content: [])
    scenario.core.endHandler(scenario.slot(of: 5))
    #expect(scenario.send(ClientBytes.request(7)).last == .reset(7, .refusedStream))
    _ = scenario.write()
    #expect(scenario.send(ClientBytes.request(9)) == [.request(9)])
  }
}

import Testing

@testable import RuntimeHTTP

/// What a server's core made of some bytes: the events for its driver, and the frames that it sent.
enum Told: Equatable, CustomStringConvertible {
  case request(StreamID)
  case content(StreamID)
  case closed(StreamID)
  /// The connection has failed.
  case failed(ErrorCode)
  case headers(StreamID, [String], ends: Bool)
  case data(StreamID, String, ends: Bool)
  case reset(StreamID, ErrorCode)
  case settings
  case settingsAcknowledgement
  case ping(UInt64)
  case pong(UInt64)
  case goAway(StreamID, ErrorCode)
  case windowUpdate(StreamID, Int)
  case unexpected(FrameType)

  var description: String {
    switch self {
    case .request(let stream): "request \(stream)"
    case .content(let stream): "content \(stream)"
    case .closed(let stream): "closed \(stream)"
    case .failed(let code): "failed \(code.rawValue)"
    case .headers(let stream, let lines, let ends): "HEADERS \(stream) \(lines)\(ends ? " END" : "")"
    case .data(let stream, let text, let ends): "DATA \(stream) \(text.debugDescription)\(ends ? " END" : "")"
    case .reset(let stream, let code): "RST_STREAM \(stream) \(code.rawValue)"
    case .settings: "SETTINGS"
    case .settingsAcknowledgement: "SETTINGS ACK"
    case .ping(let data): "PING \(data)"
    case .pong(let data): "PING ACK \(data)"
    case .goAway(let stream, let code): "GOAWAY \(stream) \(code.rawValue)"
    case .windowUpdate(let stream, let increment): "WINDOW_UPDATE \(stream) \(increment)"
    case .unexpected(let type): "frame \(type.rawValue)"
    }
  }
}

/// A server's core together with a client that a test controls.
final class CoreScenario {
  var core: HTTP2Core
  /// What to do for each event, as a driver and a handler would.
  var react: (inout HTTP2Core, HTTP2Core.Event) -> Void
  private(set) var told: [Told] = []
  private(set) var hasFailed = false
  /// How much work the core does before it pauses.
  var workPerTurn = Int.max
  /// Whether dates are left out of the results.
  var hidesDates = true
  /// How often the core has paused.
  private(set) var pauses = 0
  /// The time in nanoseconds.
  var now: Int64 = 0
  private var rest: [UInt8] = []
  private var decoder = HPACKDecoder()
  private var streams: [Int: StreamID] = [:]

  init(
    _ options: HTTP2Options = .plain, server: ServerOptions = ServerOptions(), tickLength: Duration = .seconds(1),
    react: @escaping (inout HTTP2Core, HTTP2Core.Event) -> Void = { _, _ in }
  ) {
    core = HTTP2Core(options, limits: MessageLimits(server), serverName: [], tickLength: tickLength)
    core.sendPreface()
    self.react = react
  }

  /// A core that has exchanged prefaces with its client.
  static func begun(
    _ options: HTTP2Options = .plain, server: ServerOptions = ServerOptions(), tickLength: Duration = .seconds(1),
    react: @escaping (inout HTTP2Core, HTTP2Core.Event) -> Void = { _, _ in }
  ) -> CoreScenario {
    let scenario = CoreScenario(options, server: server, tickLength: tickLength, react: react)
    scenario.feed(ClientBytes.start + ClientBytes.settingsAcknowledgement)
    scenario.told = []
    return scenario
  }

  /// Sends `bytes`, and returns the events and frames since the last call.
  @discardableResult
  func send(_ bytes: [UInt8]...) -> [Told] {
    for bytes in bytes { feed(bytes) }
    return take()
  }

  /// The events and frames since the last call.
  func take() -> [Told] {
    collect()
    defer { told = [] }
    return told
  }

  /// Lets the core send its output, as a writer would.
  func write(upTo mark: Int = .max) -> [Told] {
    core.fill(upTo: mark)
    core.noteHandover()
    return take()
  }

  var isFinished: Bool { core.isFinished }
  var hasStreams: Bool { core.hasStreams }
  /// Whether the core has memory for streams.
  var hasStreamMemory: Bool { core.streams.hasMemory }

  func slot(of stream: StreamID) -> Int { core.streams.slot(of: stream) ?? -1 }

  private func feed(_ bytes: [UInt8]) {
    if hasFailed { return }
    rest += bytes
    let input = rest
    var position = 0
    core.workLeft = workPerTurn
    do throws(HTTP2Error) {
      loop: while true {
        let event = try core.next(input.span, at: &position, now: now)
        collect()
        switch event {
        case .needsInput: break loop
        case .pause:
          pauses += 1
          core.workLeft = workPerTurn
        case .request(let slot):
          streams[slot] = core.streams[slot].id
          told.append(.request(core.streams[slot].id))
        case .content(let slot): told.append(.content(core.streams[slot].id))
        case .closed(let slot): told.append(.closed(core.streams[slot].id))
        }
        react(&core, event)
        collect()
      }
      rest.removeFirst(position)
    } catch {
      hasFailed = true
      switch error {
      case .connection(let code, _): told.append(.failed(code))
      case .stream: Issue.record("the core threw a stream error")
      }
    }
    collect()
  }

  /// Reads what the core has sent, as a client would.
  private func collect() {
    let bytes = Array(core.output.contents)
    core.output.removeAll()
    var position = 0
    let frames = FrameDecoder(maximumFrameSize: 16_384)
    do throws(HTTP2Error) {
      while let frame = try frames.next(bytes.span, at: &position) { told.append(tell(frame, bytes)) }
    } catch {
      Issue.record("the core sent a malformed frame: \(error)")
    }
    #expect(position == bytes.count)
  }

  private func tell(_ frame: Frame, _ bytes: [UInt8]) -> Told {
    switch frame {
    case .headers(let stream, let fragment, let ends, true):
      let lines = try? decoder.decode(Array(bytes[fragment])).map(\.description).filter {
        !(hidesDates && $0.hasPrefix("date: "))
      }
      return .headers(stream, lines ?? ["a block that cannot be decoded"], ends: ends)
    case .data(let stream, let content, _, let ends):
      return .data(stream, String(decoding: bytes[content], as: UTF8.self), ends: ends)
    case .resetStream(let stream, let code): return .reset(stream, code)
    case .settings: return .settings
    case .settingsAcknowledgement: return .settingsAcknowledgement
    case .ping(let data): return .ping(data)
    case .pingAcknowledgement(let data): return .pong(data)
    case .goAway(let stream, let code): return .goAway(stream, code)
    case .windowUpdate(let stream, let increment): return .windowUpdate(stream, increment)
    case .headers: return .unexpected(.headers)
    case .continuation: return .unexpected(.continuation)
    case .priority: return .unexpected(.priority)
    case .pushPromise: return .unexpected(.pushPromise)
    case .priorityUpdate: return .unexpected(.priorityUpdate)
    case .unknown(let type): return .unexpected(type)
    }
  }
}

extension HTTP2Options {
  /// The defaults without the measurement of the bandwidth.
  static var plain: HTTP2Options {
    var options = HTTP2Options()
    options.maximumStreamWindow = options.initialStreamWindow
    return options
  }
}

/// A handler that answers each request with `text` when the request is complete.
func answering(_ text: String) -> (inout HTTP2Core, HTTP2Core.Event) -> Void {
  { core, event in
    switch event {
    case .request(let slot), .content(let slot):
      _ = core.takeContent(slot)
      guard core.streams[slot].state.remoteIsClosed, !core.streams[slot].state.localIsClosed else { return }
      core.respond(slot, .ok, [:], content: Array(text.utf8))
      core.endHandler(slot)
    case .closed(let slot): core.endHandler(slot)
    case .needsInput, .pause: return
    }
  }
}

/// Sends the same bytes whole, split in two at every place, and byte by byte, and expects the same result each time.
func tell(
  _ bytes: [UInt8], _ options: HTTP2Options = .plain, server: ServerOptions = ServerOptions(),
  react: @escaping (inout HTTP2Core, HTTP2Core.Event) -> Void = answering("hello"),
  sourceLocation: SourceLocation = #_sourceLocation
) -> [Told] {
  func tell(_ pieces: [ArraySlice<UInt8>], workPerTurn: Int = .max) -> [Told] {
    let scenario = CoreScenario.begun(options, server: server, react: react)
    scenario.workPerTurn = workPerTurn
    return pieces.flatMap { scenario.send(Array($0)) }
  }
  let whole = tell([bytes[...]])
  for cut in bytes.indices.dropFirst() {
    let pieces = tell([bytes[..<cut], bytes[cut...]])
    #expect(pieces == whole, "cut at \(cut)", sourceLocation: sourceLocation)
  }
  #expect(tell(bytes.indices.map { bytes[$0...$0] }) == whole, "byte by byte", sourceLocation: sourceLocation)
  #expect(tell([bytes[...]], workPerTurn: 1) == whole, "one frame per turn", sourceLocation: sourceLocation)
  return whole
}

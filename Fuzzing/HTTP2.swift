@testable import RuntimeHTTP

/// Drives the server's end of an HTTP/2 connection (RFC 9113) as its driver, its handlers and the clock would, while a
/// client sends it frames of all kinds, and bytes that are not frames. The server has to send valid frames with valid
/// header blocks.
///
/// The input is a list of events: one byte chooses the event, and the bytes after it are its details.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP2(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  var script = Script(bytes: UnsafeBufferPointer(start: start, count: count))
  var connection = Connection(script.next())
  while !script.isEmpty, !connection.hasEnded { connection.step(&script) }
  connection.write(upTo: .max)
  return 0
}

private struct Script {
  let bytes: UnsafeBufferPointer<UInt8>
  var position = 0

  var isEmpty: Bool { position == bytes.count }

  mutating func next() -> UInt8 {
    guard !isEmpty else { return 0 }
    defer { position += 1 }
    return bytes[position]
  }

  mutating func next(_ count: Int) -> [UInt8] {
    let end = min(position + count, bytes.count)
    defer { position = end }
    return Array(bytes[position..<end])
  }
}

/// A running handler.
private struct Handler {
  enum Response {
    case none, stream, whole
  }

  let slot: Int
  /// The state of its response: whole once nothing may be added.
  var response = Response.none
}

private struct Connection: ~Copyable {
  private var core: HTTP2Core
  private(set) var hasEnded = false
  /// The bytes of an incomplete frame from the client.
  private var input: [UInt8] = []
  private var handlers: [Handler] = []
  private var now: Int64 = 0
  /// The memory that the core has while it needs it.
  private var memory = HTTP2Memory()
  /// The client's end.
  private var decoder = HPACKDecoder()
  private var block: [UInt8] = []

  init(_ kind: UInt8) {
    var options = HTTP2Options()
    options.maximumConcurrentStreams = kind & 2 == 0 ? 100 : 2
    options.headerTableSize = kind & 4 == 0 ? 4096 : 64
    core = HTTP2Core(options, limits: MessageLimits(ServerOptions()), serverName: Array("fuzzed".utf8))
    core.date.update(to: 0)
    core.sendPreface()
    if kind & 1 == 0 {
      connectionPreface.withUTF8Buffer { input += $0 }
      receive([0, 0, 0, 4, 0, 0, 0, 0, 0])
    }
  }

  mutating func step(_ script: inout Script) {
    let what = script.next()
    now += Int64(what) << 12
    switch what & 7 {
    case 0...3:
      let kinds: [UInt8] = [0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 8, 9, 9, 16, 200]
      let kind = kinds[Int(script.next() & 15)]
      let flags = script.next()
      let stream = script.next()
      let payload = script.next(Int(script.next()))
      receive([0, 0, UInt8(payload.count), kind, flags, 0, 0, 0, stream] + payload)
    case 4: receive(script.next(Int(script.next())))
    case 5: handle(script.next(), script.next())
    case 6: write(upTo: Int(script.next()) << 8)
    default: pass(script.next())
    }
    let unread = core.streams.slots.reduce(0) { $0 + core.streams[$1].unread.count }
    precondition(core.unreadCount == unread)
    let held = core.streams.slots.reduce(into: (taken: 0, unsent: 0, head: 0)) { held, slot in
      held.taken += core.streams[slot].takenCount
      held.unsent += core.streams[slot].unsentCount
      held.head += core.streams[slot].headLength
    }
    precondition(core.takenCount == held.taken && core.unsentCount == held.unsent && core.headLength == held.head)
    precondition(core.withheldCount <= core.unreadCount + core.takenCount)
    let abandoned = core.streams.slots.count { core.streams[$0].isAbandoned }
    precondition(core.abandonedCount == abandoned && abandoned <= core.streams.count)
    precondition(core.streams.count - abandoned <= core.options.maximumConcurrentStreams)
    precondition(core.streams.count <= 2 * core.options.maximumConcurrentStreams)
  }

  private mutating func receive(_ bytes: [UInt8]) {
    core.takeMemory(from: &memory)
    input += bytes
    let bytes = input
    var position = 0
    do throws(HTTP2Error) {
      while true {
        let event = try core.next(bytes.span, at: &position, now: now)
        switch event {
        case .needsInput:
          input.removeFirst(position)
          return
        case .pause: core.workLeft = .max
        case .request(let slot):
          let request = core.streams[slot].head.makeRequest(body: .empty, from: RequestOrigin(nil), 1)
          precondition(!request.path.isEmpty)
          handlers.append(Handler(slot: slot))
        case .content(let slot), .closed(let slot): precondition(handlers.contains { $0.slot == slot })
        }
      }
    } catch {
      hasEnded = true
    }
  }

  /// Runs a step of a handler.
  private mutating func handle(_ what: UInt8, _ detail: UInt8) {
    guard !handlers.isEmpty else { return }
    let index = Int(what >> 4) % handlers.count
    let slot = handlers[index].slot
    let fields: HeaderFields = ["Content-Type": "text/plain", "X-Detail": "\(detail)", "Set-Cookie": "a=\(detail)"]
    let content = [UInt8](repeating: detail, count: Int(detail) << 8)
    switch (what & 7, handlers[index].response) {
    case (0, .none):
      core.respond(slot, .ok, fields, content: content)
      handlers[index].response = .whole
    case (1, .none):
      core.sendHead(slot, Status(UInt16(detail) + 200), fields, length: detail & 1 == 0 ? Int(detail) << 8 : nil)
      handlers[index].response = .stream
    case (2, .stream): try? core.write(slot, content)
    case (3, .stream):
      do {
        try core.endContent(slot, trailers: detail & 1 == 0 ? fields : nil)
      } catch {
        core.reset(slot, .internalError)
      }
      handlers[index].response = .whole
    case (4, _): _ = core.takeContent(slot)
    case (5, .none):
      core.sendContinueIfExpected(slot)
      core.startContentDeadline(slot)
    case (6, _): core.reset(slot, .internalError)
    case (7, let response):
      // A handler that ends without a whole response has failed.
      if response != .whole { core.reset(slot, .internalError) }
      core.endHandler(slot)
      handlers.remove(at: index)
    default: return
    }
  }

  /// Runs a timer or a shutdown.
  private mutating func pass(_ what: UInt8) {
    switch what & 7 {
    case 0: core.beginShutdown()
    case 1: core.completeShutdown()
    case 2: core.sendKeepAlive()
    default:
      for event in core.advance(to: core.tick + UInt64(what >> 3)) {
        switch event {
        case .content(let slot), .closed(let slot): precondition(handlers.contains { $0.slot == slot })
        case .needsInput, .pause, .request: preconditionFailure("a timer has produced an event of a frame")
        }
      }
    }
  }

  /// Writes as the driver does, and decodes the output as the client does.
  mutating func write(upTo mark: Int) {
    core.fill(upTo: mark)
    core.noteHandover()
    let output = Array(core.output.contents)
    core.output.removeAll()
    core.giveMemory(to: &memory)
    var position = 0
    // The client's settings may allow frames larger than the default.
    let frames = FrameDecoder(maximumFrameSize: 16_777_215)
    do {
      while let frame = try frames.next(output.span, at: &position) {
        switch frame {
        case .headers(_, let fragment, _, let ends), .continuation(_, let fragment, let ends):
          block += output[fragment]
          guard ends else { continue }
          let whole = block
          block = []
          var lines = 0
          try decoder.decode(whole.span, into: &lines) { lines, _, _, _ in lines += 1 }
          precondition(lines > 0)
        default: precondition(block.isEmpty)
        }
      }
    } catch {
      preconditionFailure("the server has sent invalid bytes: \(error)")
    }
    precondition(position == output.count)
  }
}

package import Runtime
import RuntimeHTTP
import RuntimeTesting

/// The client's side of an HTTP/2 connection, for tests: it sends any frames, valid or not, and reads strictly.
///
/// It uses the parts of the engine that both ends of a connection share. Use it from one task at a time.
package final class HTTP2TestClient<Stream: ByteStream> {
  package let stream: Stream
  /// Whether the client reopens the windows as soon as content arrives.
  package var opensWindows = true
  /// The last stream that the server will answer, by its GOAWAY; `nil` before one arrives.
  package private(set) var lastStream: UInt32?
  /// Whether the server has acknowledged SETTINGS of the client.
  package private(set) var settingsAreAcknowledged = false
  /// The number of received frames.
  package private(set) var frameCount = 0

  /// Bytes of an incomplete frame.
  private var input = ByteBuffer(capacity: 0)
  /// The answer to the last frame.
  private var output = ByteBuffer(capacity: 64)
  private var frames = FrameDecoder()
  private var encoder = HPACKEncoder()
  private var decoder = HPACKDecoder()
  private var settings = PeerSettings()
  private var hasSettings = false
  /// The header block whose fragments are being received.
  private var block: (stream: UInt32, bytes: [UInt8], ends: Bool)?
  private var nextStream: UInt32 = 1
  private var exchanges: [UInt32: HTTP2TestExchange] = [:]
  private var sendWindow = SendWindow(FlowControl.initialWindow)
  private var receiveWindow = SendWindow(FlowControl.initialWindow)
  private var initialReceiveWindow = FlowControl.initialWindow
  private var goAway: UInt32?

  /// A client on `stream`.
  package init(_ stream: Stream) { self.stream = stream }

  /// A client that continues after `http1` was upgraded: with its unread input, and with stream 1 open.
  package convenience init(_ stream: Stream, after http1: HTTPTestClient<Stream>) {
    self.init(stream)
    input.append(http1.takeBuffer().span)
    _ = open("GET")
  }

  private func open(_ method: String) -> UInt32 {
    defer { nextStream += 2 }
    exchanges[nextStream] = HTTP2TestExchange(
      method, sendWindow: settings.initialWindowSize, receiveWindow: initialReceiveWindow)
    return nextStream
  }

  // MARK: Sending

  /// Sends the preface and SETTINGS.
  package func start(_ settings: [(name: UInt16, value: UInt32)] = []) async throws {
    let entries = settings.map { Settings.Entry(name: .init(rawValue: $0.name), value: $0.value) }
    var own = PeerSettings()
    for entry in entries { try own.apply(entry) }
    (initialReceiveWindow, frames.maximumFrameSize) = (own.initialWindowSize, own.maximumFrameSize)
    try await write { output in
      output.append(connectionPreface)
      output.appendSettings(entries)
    }
  }

  /// The bytes of a frame, which may be invalid.
  package static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8] = []) -> [UInt8] {
    bytes { output in
      output.append(
        FrameHeader(
          length: payload.count, type: FrameType(rawValue: type), flags: FrameFlags(rawValue: flags), stream: stream))
      output.append(payload.span)
    }
  }

  /// The bytes of a request's head, and the stream it opens. Heads have to be sent in the order of their creation.
  package func head(
    _ method: String, _ target: String, _ fields: [(String, String)] = [], authority: String? = "localhost",
    ends: Bool = true
  ) -> (stream: UInt32, bytes: [UInt8]) {
    let stream = open(method)
    // RFC 9113 section 8.5, and RFC 8441 section 4 for a CONNECT that names a protocol.
    let isTunnel = method == "CONNECT" && !fields.contains { $0.0 == ":protocol" }
    var lines = [(":method", method)]
    if !isTunnel { lines += [(":scheme", "http"), (":path", target)] }
    if let authority = isTunnel ? target : authority { lines.append((":authority", authority)) }
    return (stream, headers(lines + fields, on: stream, ends: ends))
  }

  private func headers(_ lines: [(String, String)], on stream: UInt32, ends: Bool) -> [UInt8] {
    let block = Self.bytes { output in
      for (name, value) in lines {
        guard name != name.lowercased() else {
          encoder.encode(Array(name.utf8).span, Array(value.utf8).span, into: &output)
          continue
        }
        // The encoder would correct the name, so this is a literal by hand, with strings of at most 126 bytes.
        let literal = [0, UInt8(name.utf8.count)] + Array(name.utf8) + [UInt8(value.utf8.count)] + Array(value.utf8)
        output.append(literal.span)
      }
    }
    let flags: FrameFlags = ends ? [.endHeaders, .endStream] : .endHeaders
    return Self.frame(FrameType.headers.rawValue, flags: flags.rawValue, stream: stream, payload: block)
  }

  /// Sends a request's head, and returns the stream it opens.
  package func send(
    _ method: String, _ target: String, _ fields: [(String, String)] = [], ends: Bool = true
  ) async throws -> UInt32 {
    let head = head(method, target, fields, ends: ends)
    try await stream.write(head.bytes)
    return head.stream
  }

  /// Sends content as the server's windows allow, and reads frames while it has to wait.
  package func send(_ content: [UInt8], on stream: UInt32, ends: Bool = false) async throws {
    var rest = content[...]
    repeat {
      let room = min(settings.maximumFrameSize, window(of: stream))
      guard room > 0 || rest.isEmpty else {
        if exchanges[stream]?.error != nil { return }
        try await readFrame()
        continue
      }
      let piece = Array(rest.prefix(room))
      rest = rest.dropFirst(piece.count)
      sendWindow.consume(piece.count)
      exchanges[stream]?.sendWindow.consume(piece.count)
      let flags: FrameFlags = ends && rest.isEmpty ? .endStream : []
      try await self.stream.write(
        Self.frame(FrameType.data.rawValue, flags: flags.rawValue, stream: stream, payload: piece))
      if rest.isEmpty { return }
    } while true
  }

  /// Sends trailers.
  package func send(trailers: [(String, String)], on stream: UInt32) async throws {
    try await self.stream.write(headers(trailers, on: stream, ends: true))
  }

  package func reset(_ stream: UInt32, code: UInt32 = 8) async throws {
    exchanges[stream]?.isGivenUp = true
    try await write { output in output.appendResetStream(stream, ErrorCode(rawValue: code)) }
  }

  package func openWindow(of stream: UInt32, by increment: Int) async throws {
    if stream == 0 {
      _ = receiveWindow.open(by: increment)
    } else {
      _ = exchanges[stream]?.receiveWindow.open(by: increment)
    }
    try await write { output in output.appendWindowUpdate(stream, increment: increment) }
  }

  /// The number of bytes that all streams together may send without waiting.
  package var connectionWindow: Int { sendWindow.available }

  /// The number of bytes that `stream` may send without waiting.
  package func window(of stream: UInt32) -> Int {
    min(sendWindow.available, exchanges[stream]?.sendWindow.available ?? 0)
  }

  private func write(_ append: (inout ByteBuffer) -> Void) async throws { try await stream.write(Self.bytes(append)) }

  private static func bytes(_ append: (inout ByteBuffer) -> Void) -> [UInt8] {
    var output = ByteBuffer(capacity: 64)
    append(&output)
    return Array(output.contents)
  }

  // MARK: Requests and responses

  /// A request without content, and the response to it.
  package func request(
    _ method: String, _ target: String, _ fields: [(String, String)] = []
  ) async throws -> TestResponse {
    try await readResponse(on: try await send(method, target, fields))
  }

  /// `GET target`, and the response to it.
  package func get(_ target: String) async throws -> TestResponse { try await request("GET", target) }

  /// Reads until the response on `stream` is complete, and keeps what arrives for other streams.
  package func readResponse(on stream: UInt32) async throws -> TestResponse {
    while true {
      if let exchange = exchanges[stream] {
        if exchange.hasEnded, let response = exchange.response { return response }
        if let code = exchange.error { throw TestStreamError(code: code) }
      }
      try await readFrame()
    }
  }

  /// Reads until the head of a response on `stream` has arrived, which may be an interim one.
  package func readHead(on stream: UInt32) async throws -> TestResponse {
    while true {
      if let code = exchanges[stream]?.error { throw TestStreamError(code: code) }
      if let response = exchanges[stream]?.response ?? exchanges[stream]?.interim { return response }
      try await readFrame()
    }
  }

  /// The received content on `stream`.
  package func body(on stream: UInt32) -> [UInt8] { exchanges[stream]?.response?.body ?? [] }

  /// The statuses of the heads on `stream`, including interim ones.
  package func statuses(on stream: UInt32) -> [String] { exchanges[stream]?.statuses ?? [] }

  /// The error code of the reset of `stream`, if it was reset.
  package func error(on stream: UInt32) -> UInt32? { exchanges[stream]?.error }

  /// Reads until the server has reset `stream`, and returns the error code.
  package func readReset(on stream: UInt32) async throws -> UInt32 {
    while true {
      if let error = exchanges[stream]?.error { return error }
      try await readFrame()
    }
  }

  /// Reads until a GOAWAY arrives, and returns its error code.
  package func readGoAway() async throws -> UInt32 {
    goAway = nil
    while true {
      try await readFrame()
      if let goAway { return goAway }
    }
  }

  /// Reads to the end of the stream, and handles the frames before it.
  package func readToEnd() async throws {
    do {
      while true { try await readFrame() }
    } catch TestClientError.endOfStream {
      return
    }
  }

  // MARK: Reading

  /// Reads a frame, handles it, and returns its type.
  @discardableResult
  package func readFrame() async throws -> (type: UInt8, stream: UInt32) {
    while true {
      if let header = try takeFrame() {
        frameCount += 1
        if !output.isEmpty {
          let answer = Array(output.contents)
          output.removeAll()
          try? await stream.write(answer)
        }
        return (header.type.rawValue, header.stream)
      }
      let more = try await stream.read()
      if more.isEmpty { throw TestClientError.endOfStream }
      input.append(more.span)
    }
  }

  /// Handles the next frame, if it is complete.
  private func takeFrame() throws -> FrameHeader? {
    let bytes = input.contents
    var position = 0
    defer { input.consume(position) }
    do {
      guard let frame = try frames.next(bytes.span, at: &position) else { return nil }
      try take(frame, bytes)
      return FrameHeader(bytes.span, at: 0)
    } catch let error as HTTP2Error {
      throw TestClientError.malformed("\(error)")
    }
  }

  private func take(_ frame: Frame, _ bytes: UnsafeBufferPointer<UInt8>) throws {
    if !hasSettings {
      guard case .settings = frame else { throw TestClientError.malformed("a first frame that is not SETTINGS") }
      hasSettings = true
    }
    if let block {
      guard case .continuation(block.stream, _, _) = frame else {
        throw TestClientError.malformed("an interrupted header block")
      }
    }
    switch frame {
    case .data(let stream, let content, let length, let ends):
      try takeData(Array(bytes[content]), length, on: stream, ends: ends)
    case .headers(let stream, let fragment, let ends, let endsHeaders):
      try gather(Array(bytes[fragment]), on: stream, ends: ends, endsHeaders: endsHeaders)
    case .continuation(let stream, let fragment, let endsHeaders):
      guard let block else { throw TestClientError.malformed("a CONTINUATION without a header block") }
      try gather(block.bytes + bytes[fragment], on: stream, ends: block.ends, endsHeaders: endsHeaders)
    case .resetStream(let stream, let code): try withExchange(stream) { try $0.reset(code.rawValue) }
    case .settings(let payload): try takeSettings(bytes, payload)
    case .ping(let data): output.appendPing(data, flags: .acknowledgement)
    case .goAway(let last, let code):
      // RFC 9113 section 6.8: the client may have sent the refused requests again elsewhere.
      guard last <= lastStream ?? .max else { throw TestClientError.malformed("a GOAWAY with a higher last stream") }
      (lastStream, goAway) = (last, code.rawValue)
    case .windowUpdate(0, let increment): try Self.open(&sendWindow, by: increment)
    case .windowUpdate(let stream, let increment):
      try withExchange(stream) { try Self.open(&$0.sendWindow, by: increment) }
    case .settingsAcknowledgement: settingsAreAcknowledged = true
    case .pingAcknowledgement, .unknown: return
    case .priority, .priorityUpdate, .pushPromise: throw TestClientError.malformed("a frame of clients only")
    }
  }

  private func withExchange(_ stream: UInt32, _ change: (inout HTTP2TestExchange) throws -> Void) throws {
    guard stream <= lastStream ?? .max else {
      throw TestClientError.malformed("a frame of a stream that the server has said it ignores")
    }
    // Removed, so that a change does not copy its content.
    guard var exchange = exchanges.removeValue(forKey: stream) else {
      throw TestClientError.malformed("a frame of a stream that is not open")
    }
    defer { exchanges[stream] = exchange }
    if !exchange.isGivenUp { try change(&exchange) }
  }

  private func takeData(_ content: [UInt8], _ length: Int, on stream: UInt32, ends: Bool) throws {
    receiveWindow.consume(length)
    exchanges[stream]?.receiveWindow.consume(length)
    guard receiveWindow.available >= 0, exchanges[stream]?.receiveWindow.available ?? 0 >= 0 else {
      throw TestClientError.malformed("more content than a window allows")
    }
    try withExchange(stream) { try $0.receive(content, ends: ends) }
    guard opensWindows, length > 0 else { return }
    _ = receiveWindow.open(by: length)
    output.appendWindowUpdate(0, increment: length)
    if ends || exchanges[stream]?.isGivenUp == true { return }
    _ = exchanges[stream]?.receiveWindow.open(by: length)
    output.appendWindowUpdate(stream, increment: length)
  }

  private func gather(_ fragment: [UInt8], on stream: UInt32, ends: Bool, endsHeaders: Bool) throws {
    guard endsHeaders else { return block = (stream, fragment, ends) }
    block = nil
    var lines: [(name: String, value: String)] = []
    do {
      try decoder.decode(fragment.span, into: &lines) { lines, name, value, _ in
        lines.append((Self.text(name), Self.text(value)))
      }
    } catch {
      throw TestClientError.malformed("\(error)")
    }
    try withExchange(stream) { try $0.receive(lines, ends: ends) }
  }

  private static func text(_ bytes: Span<UInt8>) -> String {
    bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }

  private func takeSettings(_ bytes: UnsafeBufferPointer<UInt8>, _ payload: Range<Int>) throws {
    let before = settings.initialWindowSize
    for start in stride(from: payload.lowerBound, to: payload.upperBound, by: Settings.entrySize) {
      try settings.apply(Settings.entry(bytes.span, at: start))
    }
    encoder.setMaximumTableSize(settings.headerTableSize)
    for stream in exchanges.keys where stream <= lastStream ?? .max {
      try withExchange(stream) { try Self.open(&$0.sendWindow, by: settings.initialWindowSize - before) }
    }
    output.appendSettingsAcknowledgement()
  }

  private static func open(_ window: inout SendWindow, by increment: Int) throws {
    guard window.open(by: increment) else { throw TestClientError.malformed("a window over the maximum") }
  }
}

package import Runtime
import RuntimeHTTP
import RuntimeTesting

/// The client's side of an HTTP/2 connection, for tests: it sends what it is told, and reads strictly what comes.
///
/// Its frames are its own; of the engine it tests it uses the header decoder alone. Use one from one task at a time.
package final class HTTP2TestClient<Stream: ByteStream> {
  package let stream: Stream
  /// Whether content that comes is given back to the windows at once.
  package var opensWindows = true
  /// The streams that the server has said it will answer, from 0 for those it has not spoken of.
  package private(set) var lastStream: UInt32?
  /// How many frames have come.
  package private(set) var frameCount = 0

  private var input: ArraySlice<UInt8> = []
  private var decoder = HPACKDecoder()
  private var nextStream: UInt32 = 1
  private var responses: [UInt32: Incoming] = [:]
  private var connectionWindow = 65_535
  private var windows: [UInt32: Int] = [:]
  private var initialWindow = 65_535

  private struct Incoming {
    var heads: [[(name: String, value: String)]] = []
    var body: [UInt8] = []
    var hasEnded = false
    var error: UInt32?
  }

  /// A client on `stream`.
  package init(_ stream: Stream) { self.stream = stream }

  /// A client that goes on where `http1` has been told that it may: with what is read, and with stream 1 open.
  package convenience init(_ stream: Stream, after http1: HTTPTestClient<Stream>) {
    self.init(stream)
    input = http1.takeBuffer()
    nextStream = 3
  }

  // MARK: Sending

  /// Sends the preface and SETTINGS.
  package func start(_ settings: [(name: UInt16, value: UInt32)] = []) async throws {
    try await stream.write(Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + Self.settings(settings))
  }

  package static func settings(_ settings: [(name: UInt16, value: UInt32)]) -> [UInt8] {
    frame(4, payload: settings.flatMap { [UInt8($0.name >> 8), UInt8($0.name & 255)] + word($0.value) })
  }

  /// A frame, however wrong.
  package static func frame(_ type: UInt8, flags: UInt8 = 0, stream: UInt32 = 0, payload: [UInt8] = []) -> [UInt8] {
    Array(word(UInt32(payload.count)).dropFirst()) + [type, flags] + word(stream) + payload
  }

  /// A head that is a literal in each line.
  package static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { name, value in [0] + string(name) + string(value) }
  }

  package static func word(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }

  private static func string(_ text: String) -> [UInt8] {
    var rest = text.utf8.count
    if rest < 127 { return [UInt8(rest)] + text.utf8 }
    var length: [UInt8] = [127]
    rest -= 127
    while rest >= 128 {
      length.append(UInt8(rest & 127 | 128))
      rest >>= 7
    }
    return length + [UInt8(rest)] + text.utf8
  }

  /// The bytes of a request's head, and the stream it opens.
  package func head(
    _ method: String, _ target: String, _ fields: [(String, String)] = [], ends: Bool = true
  ) -> (stream: UInt32, bytes: [UInt8]) {
    let stream = nextStream
    nextStream += 2
    windows[stream] = initialWindow
    // RFC 9113 section 8.5, and RFC 8441 section 4 for a CONNECT that names a protocol.
    let isTunnel = method == "CONNECT" && !fields.contains { $0.0 == ":protocol" }
    let pseudo =
      isTunnel
      ? [(":method", method), (":authority", target)]
      : [(":method", method), (":scheme", "http"), (":path", target), (":authority", "localhost")]
    return (stream, Self.frame(1, flags: ends ? 5 : 4, stream: stream, payload: Self.block(pseudo + fields)))
  }

  /// Sends a request's head, and gives the stream it opens.
  package func send(
    _ method: String, _ target: String, _ fields: [(String, String)] = [], ends: Bool = true
  ) async throws -> UInt32 {
    let head = head(method, target, fields, ends: ends)
    try await stream.write(head.bytes)
    return head.stream
  }

  /// Sends content as the server's windows allow, reading what comes while it has to wait.
  package func send(_ content: [UInt8], on stream: UInt32, ends: Bool = false) async throws {
    var rest = content[...]
    repeat {
      let room = min(16_384, connectionWindow, windows[stream] ?? 0)
      guard room > 0 || rest.isEmpty else {
        if responses[stream]?.error != nil { return }
        try await readFrame()
        continue
      }
      let piece = rest.prefix(room)
      rest = rest.dropFirst(piece.count)
      connectionWindow -= piece.count
      windows[stream, default: 0] -= piece.count
      try await self.stream.write(
        Self.frame(0, flags: ends && rest.isEmpty ? 1 : 0, stream: stream, payload: Array(piece)))
      if rest.isEmpty { return }
    } while true
  }

  /// Sends trailers.
  package func send(trailers: [(String, String)], on stream: UInt32) async throws {
    try await self.stream.write(Self.frame(1, flags: 5, stream: stream, payload: Self.block(trailers)))
  }

  package func reset(_ stream: UInt32, code: UInt32 = 8) async throws {
    try await self.stream.write(Self.frame(3, stream: stream, payload: Self.word(code)))
  }

  package func openWindow(of stream: UInt32, by increment: Int) async throws {
    try await self.stream.write(Self.frame(8, stream: stream, payload: Self.word(UInt32(increment))))
  }

  /// Whether so much may be sent on `stream` without waiting.
  package func window(of stream: UInt32) -> Int { min(connectionWindow, windows[stream] ?? 0) }

  // MARK: Requests and responses

  /// A request without content, and the response to it.
  package func request(
    _ method: String, _ target: String, _ fields: [(String, String)] = []
  ) async throws -> TestResponse {
    try await readResponse(on: try await send(method, target, fields))
  }

  /// `GET target`, and the response to it.
  package func get(_ target: String) async throws -> TestResponse { try await request("GET", target) }

  /// Reads until the response on `stream` is whole, and keeps what comes for others.
  package func readResponse(on stream: UInt32) async throws -> TestResponse {
    while true {
      let response = responses[stream]
      if let code = response?.error, response?.hasEnded != true { throw TestStreamError(code: code) }
      if let response, response.hasEnded { return try Self.response(response) }
      try await readFrame()
    }
  }

  /// Reads until the head of the response on `stream` is there.
  package func readHead(on stream: UInt32) async throws -> TestResponse {
    while true {
      if let response = responses[stream] {
        if let code = response.error { throw TestStreamError(code: code) }
        if !response.heads.isEmpty { return try Self.response(response) }
      }
      try await readFrame()
    }
  }

  /// The content on `stream` that has come.
  package func body(on stream: UInt32) -> [UInt8] { responses[stream]?.body ?? [] }

  /// Why `stream` was reset, if it was.
  package func error(on stream: UInt32) -> UInt32? { responses[stream]?.error }

  /// Reads until the server has reset `stream`, and gives why.
  package func readReset(on stream: UInt32) async throws -> UInt32 {
    while true {
      if let error = responses[stream]?.error { return error }
      try await readFrame()
    }
  }

  /// Reads until the server goes away, and gives why.
  package func readGoAway() async throws -> UInt32 {
    while true {
      let frame = try await readFrame()
      if frame.type == 7 { return Self.number(frame.payload[4..<8]) }
    }
  }

  /// Reads until the server has finished; frames that come before are taken in.
  package func readToEnd() async throws {
    do {
      while true { try await readFrame() }
    } catch TestClientError.endOfStream {
      return
    }
  }

  private static func response(_ incoming: Incoming) throws -> TestResponse {
    // The first head that is not interim is the response's; one behind it holds trailers.
    guard
      let index = incoming.heads.firstIndex(where: { $0.first.map { !$0.value.hasPrefix("1") } ?? false })
        ?? incoming.heads.indices.first,
      let line = incoming.heads[index].first, line.name == ":status", let status = Int(line.value)
    else { throw TestClientError.malformed("a response without a status") }
    var response = TestResponse(
      version: "HTTP/2", status: status, reason: "", fields: Array(incoming.heads[index].dropFirst()))
    response.body = incoming.body
    if incoming.heads.count > index + 1 { response.trailers = incoming.heads[index + 1] }
    return response
  }

  /// The statuses of the heads on `stream`, interim ones among them.
  package func statuses(on stream: UInt32) -> [String] {
    (responses[stream]?.heads ?? []).compactMap { $0.first?.name == ":status" ? $0.first?.value : nil }
  }

  // MARK: Reading

  package struct Frame {
    package var type: UInt8
    package var flags: UInt8
    package var stream: UInt32
    package var payload: [UInt8]
  }

  /// Reads a frame, and does what has to be done about it.
  @discardableResult
  package func readFrame() async throws -> Frame {
    let head = try await read(9)
    let length = Int(Self.number(head[0..<3]))
    let stream = Self.number(head[5..<9])
    let frame = Frame(type: head[3], flags: head[4], stream: stream, payload: try await read(length))
    frameCount += 1
    try await take(frame)
    return frame
  }

  private func take(_ frame: Frame) async throws {
    // RST_STREAM, SETTINGS, PING, GOAWAY and WINDOW_UPDATE have lengths of their own (RFC 9113 section 6).
    let length = frame.payload.count
    let isWhole =
      switch frame.type {
      case 3, 8: length == 4
      case 4: length % 6 == 0
      case 6: length == 8
      case 7: length >= 8
      default: true
      }
    guard isWhole else { throw TestClientError.malformed("a frame of type \(frame.type) of \(length) bytes") }
    switch frame.type {
    case 0:
      responses[frame.stream, default: Incoming()].body += frame.payload
      if frame.flags & 1 != 0 { responses[frame.stream, default: Incoming()].hasEnded = true }
      guard opensWindows, !frame.payload.isEmpty else { return }
      var updates = Self.frame(8, payload: Self.word(UInt32(frame.payload.count)))
      if frame.flags & 1 == 0 {
        updates += Self.frame(8, stream: frame.stream, payload: Self.word(UInt32(frame.payload.count)))
      }
      try? await stream.write(updates)
    case 1:
      var block = frame.payload
      var flags = frame.flags
      while flags & 4 == 0 {
        let head = try await read(9)
        guard head[3] == 9 else { throw TestClientError.malformed("a header block is interrupted") }
        block += try await read(Int(Self.number(head[0..<3])))
        flags |= head[4] & 4
      }
      responses[frame.stream, default: Incoming()].heads.append(try decode(block))
      if frame.flags & 1 != 0 { responses[frame.stream, default: Incoming()].hasEnded = true }
    case 3: responses[frame.stream, default: Incoming()].error = Self.number(frame.payload[0..<4])
    case 4 where frame.flags & 1 == 0:
      for start in stride(from: 0, to: frame.payload.count, by: 6) where frame.payload[start + 1] == 4 {
        let size = Int(Self.number(frame.payload[start + 2..<start + 6]))
        for stream in windows.keys { windows[stream, default: 0] += size - initialWindow }
        initialWindow = size
      }
      try? await stream.write(Self.frame(4, flags: 1))
    case 6 where frame.flags & 1 == 0: try? await stream.write(Self.frame(6, flags: 1, payload: frame.payload))
    case 7: lastStream = Self.number(frame.payload[0..<4])
    case 8:
      let increment = Int(Self.number(frame.payload[0..<4]))
      if frame.stream == 0 { connectionWindow += increment } else { windows[frame.stream, default: 0] += increment }
    default: return
    }
  }

  private func decode(_ block: [UInt8]) throws -> [(name: String, value: String)] {
    var lines: [(name: String, value: String)] = []
    try decoder.decode(block.span, into: &lines) { lines, name, value, _ in
      lines.append((Self.text(name), Self.text(value)))
    }
    return lines
  }

  private static func text(_ bytes: Span<UInt8>) -> String {
    bytes.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.reduce(0) { $0 << 8 | UInt32($1) } }

  private func read(_ count: Int) async throws -> [UInt8] {
    var isWhole = false
    // Otherwise what is left is a piece of a frame, and not where the next one begins.
    defer { if !isWhole { input = [] } }
    while input.count < count {
      let more = try await stream.read()
      if more.isEmpty { throw TestClientError.endOfStream }
      input += more
    }
    isWhole = true
    defer { input = input.dropFirst(count) }
    return Array(input.prefix(count))
  }
}

/// The server has reset a stream that a test has not given up on.
package struct TestStreamError: Error, Equatable {
  package var code: UInt32
}

import Runtime

/// The server's end of a WebSocket (RFC 6455), for one task.
struct WebSocket {
  enum Message {
    case text(String)
    case binary([UInt8])
  }

  /// The maximum length of a message in bytes.
  static let maximumLength = 16 << 20

  private let stream: AnyStream
  /// Bytes that have been read and not parsed yet.
  private var unread: ArraySlice<UInt8> = []

  init(_ stream: AnyStream) { self.stream = stream }

  /// Returns the next message, or `nil` once either side has closed the WebSocket. Answers pings meanwhile.
  ///
  /// If the client violates the protocol, it closes the WebSocket with the code for the violation.
  mutating func receive() async throws -> Message? {
    do {
      return try await receiveMessage()
    } catch let code as CloseCode {
      try await send(.close, bytes(of: code.rawValue))
      return nil
    }
  }

  /// Sends `message` in one frame.
  func send(_ message: Message) async throws {
    switch message {
    case .text(let text): try await send(.text, Array(text.utf8))
    case .binary(let bytes): try await send(.binary, bytes)
    }
  }

  private func send(_ opcode: Frame.Opcode, _ payload: [UInt8]) async throws {
    try await stream.write(Frame.head(opcode, payload.count).span.bytes, payload.span.bytes)
  }

  private mutating func receiveMessage() async throws -> Message? {
    var kind: Frame.Opcode?
    var content: [UInt8] = []
    while true {
      let frame = try await readFrame(upTo: Self.maximumLength - content.count)
      switch frame.opcode {
      case .ping: try await send(.pong, frame.payload)
      case .pong: break
      case .close:
        try await send(.close, reply(toClose: frame.payload))
        return nil
      case .text, .binary, .continuation:
        // The first fragment has the type of the message, and the others are continuations.
        guard (frame.opcode == .continuation) == (kind != nil) else { throw CloseCode.protocolError }
        kind = kind ?? frame.opcode
        content += frame.payload
        guard frame.isFinal else { continue }
        if kind == .binary { return .binary(content) }
        guard let text = String(validating: content, as: UTF8.self) else { throw CloseCode.invalidText }
        return .text(text)
      }
    }
  }

  /// The payload of the close frame that answers a close frame with `payload`: its code, without its reason.
  private func reply(toClose payload: [UInt8]) throws(CloseCode) -> [UInt8] {
    if payload.isEmpty { return [] }
    guard payload.count >= 2, CloseCode.isAllowed(UInt16(payload[0]) << 8 | UInt16(payload[1])) else {
      throw .protocolError
    }
    guard String(validating: payload.dropFirst(2), as: UTF8.self) != nil else { throw .invalidText }
    return Array(payload.prefix(2))
  }

  /// Reads the next frame. Its payload has at most `limit` bytes unless it is a control frame.
  private mutating func readFrame(upTo limit: Int) async throws -> Frame {
    let head = try await take(2)
    let isFinal = head[0] & 0x80 != 0
    // No extension that uses the three reserved bits was negotiated, and clients must mask their frames.
    guard let opcode = Frame.Opcode(rawValue: head[0] & 0x0F), head[0] & 0x70 == 0, head[1] & 0x80 != 0 else {
      throw CloseCode.protocolError
    }
    var length = UInt64(head[1] & 0x7F)
    if opcode.isControl, !isFinal || length > 125 { throw CloseCode.protocolError }
    if length >= 126 {
      let isLong = length == 127
      length = try await take(isLong ? 8 : 2).reduce(0) { $0 << 8 | UInt64($1) }
      // A length has to use the shortest encoding, and its highest bit is 0.
      if length < (isLong ? 0x1_0000 : 126) || length >> 63 == 1 { throw CloseCode.protocolError }
    }
    guard opcode.isControl || length <= UInt64(limit) else { throw CloseCode.tooLarge }
    let mask = try await take(4)
    var payload = try await take(Int(length))
    for index in payload.indices { payload[index] ^= mask[index & 3] }
    return Frame(opcode: opcode, isFinal: isFinal, payload: payload)
  }

  /// Reads the next `count` bytes.
  private mutating func take(_ count: Int) async throws(IOError) -> [UInt8] {
    while unread.count < count {
      let bytes = try await stream.read(upTo: 64 * 1024)
      // The client closed the connection without closing the WebSocket.
      if bytes.isEmpty { throw IOError(.read, .closed) }
      unread += bytes
    }
    defer { unread.removeFirst(count) }
    return Array(unread.prefix(count))
  }
}

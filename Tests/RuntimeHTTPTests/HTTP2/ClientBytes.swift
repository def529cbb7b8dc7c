@testable import RuntimeHTTP

/// The bytes that a client sends, frame by frame, valid or not.
enum ClientBytes {
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  /// The preface and an empty SETTINGS frame.
  static let start = preface + settings()

  static func frame(
    _ type: FrameType, _ flags: FrameFlags = [], stream: StreamID = 0, _ payload: [UInt8] = []
  ) -> [UInt8] {
    var buffer = ByteBuffer(capacity: 16)
    buffer.append(FrameHeader(length: payload.count, type: type, flags: flags, stream: stream))
    return Array(buffer.contents) + payload
  }

  static func settings(_ entries: (Settings.Name, UInt32)...) -> [UInt8] {
    frame(.settings, entries.flatMap { bytes($0.0.rawValue) + bytes($0.1) })
  }

  static let settingsAcknowledgement = frame(.settings, .acknowledgement, [])

  /// A header block of `fields` as literals, so that it does not depend on the table.
  static func block(_ fields: [(String, String)]) -> [UInt8] {
    fields.flatMap { name, value in [0] + string(name) + string(value) }
  }

  /// The head of a request for `/`, or with other `fields`.
  static func request(
    _ stream: StreamID, _ fields: [(String, String)] = get, flags: FrameFlags = [.endHeaders, .endStream]
  ) -> [UInt8] {
    frame(.headers, flags, stream: stream, block(fields))
  }

  static let get = [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")]
  static let post = [(":method", "POST"), (":scheme", "http"), (":path", "/"), (":authority", "a")]

  static func data(_ stream: StreamID, _ text: String = "", ends: Bool = false) -> [UInt8] {
    frame(.data, ends ? .endStream : [], stream: stream, Array(text.utf8))
  }

  static func windowUpdate(_ stream: StreamID, _ increment: UInt32) -> [UInt8] {
    frame(.windowUpdate, stream: stream, bytes(increment))
  }

  static func reset(_ stream: StreamID, _ code: ErrorCode = .cancel) -> [UInt8] {
    frame(.resetStream, stream: stream, bytes(code.rawValue))
  }

  static func priorityUpdate(_ stream: StreamID, _ value: String) -> [UInt8] {
    frame(.priorityUpdate, bytes(stream) + Array(value.utf8))
  }

  static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.bigEndian) { Array($0) }
  }

  static func string(_ text: String) -> [UInt8] {
    var buffer = ByteBuffer(capacity: 8)
    HPACKInteger.encode(text.utf8.count, prefix: 7, flags: 0, into: &buffer)
    return Array(buffer.contents) + Array(text.utf8)
  }
}

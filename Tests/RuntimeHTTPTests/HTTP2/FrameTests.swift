import Testing

@testable import RuntimeHTTP

/// Single frames, RFC 9113 sections 3.4, 4 and 6.
@Suite struct FrameTests {
  struct Case: CustomTestStringConvertible {
    var name: String
    var bytes: [UInt8]
    var told: [Told]
    var testDescription: String { name }

    init(_ name: String, _ bytes: [UInt8], _ told: [Told]) {
      self.name = name
      self.bytes = bytes
      self.told = told
    }

    /// A case that ends the connection.
    init(_ name: String, _ bytes: [UInt8], _ code: ErrorCode, after: [Told] = [], last: StreamID = 0) {
      self.init(name, bytes, after + [.failed(code), .goAway(last, code)])
    }
  }

  private static func open(_ stream: StreamID = 1) -> [UInt8] {
    ClientBytes.request(stream, ClientBytes.post, flags: .endHeaders)
  }

  private static let answer: [Told] = [
    .headers(1, [":status: 200", "content-length: 5"], ends: false), .data(1, "hello", ends: true),
  ]

  static let cases: [Case] = [
    Case(
      "4.1 a frame of an unknown type is skipped",
      ClientBytes.frame(FrameType(rawValue: 0xFA), .init(rawValue: 0xFF), stream: 7, [1, 2, 3]), []),
    Case(
      "4.1 the reserved bit of a stream's number is ignored", ClientBytes.request(1 | 0x8000_0000),
      [.request(1)] + answer),
    Case(
      "4.2 a frame may have 16,384 bytes", open() + ClientBytes.data(1, String(repeating: "x", count: 16_384)),
      [.request(1), .content(1)]),
    Case(
      "4.2 a longer frame is an error", ClientBytes.frame(.data, stream: 1, [UInt8](repeating: 0, count: 16_385)),
      .frameSizeError),
    Case(
      "4.3 no other frame may come between the fragments of a block",
      ClientBytes.request(1, flags: .endStream) + ClientBytes.frame(.ping, [UInt8](repeating: 0, count: 8)),
      .protocolError, last: 1),
    Case(
      "4.3 no fragment of another stream may come between them",
      ClientBytes.request(1, flags: .endStream) + ClientBytes.frame(.continuation, .endHeaders, stream: 3),
      .protocolError, last: 1),
    Case(
      "4.3 no malformed frame may come between them",
      open() + ClientBytes.request(3, flags: .endStream) + ClientBytes.frame(.priority, stream: 1, [0, 0, 0, 9]),
      .protocolError, after: [.request(1)], last: 3),
    Case(
      "4.3 a block that cannot be decoded ends the connection",
      ClientBytes.frame(.headers, [.endHeaders, .endStream], stream: 1, [0xFF]), .compressionError, last: 1),
    Case("6.1 DATA belongs to a stream", ClientBytes.frame(.data, stream: 0, [1]), .protocolError),
    Case(
      "6.1 padding is removed",
      open() + ClientBytes.frame(.data, [.padded, .endStream], stream: 1, [3] + Array("abc".utf8) + [0, 0, 0]),
      [.request(1), .content(1)] + answer),
    Case(
      "6.1 a frame may consist of padding",
      open() + ClientBytes.frame(.data, [.padded, .endStream], stream: 1, [3, 0, 0, 0]),
      [.request(1), .content(1)] + answer),
    Case(
      "6.1 padding is not longer than the frame",
      open() + ClientBytes.frame(.data, .padded, stream: 1, [4, 0, 0, 0]), .protocolError, after: [.request(1)], last: 1
    ),
    Case(
      "6.1 a padded frame has a padding length", open() + ClientBytes.frame(.data, .padded, stream: 1), .frameSizeError,
      after: [.request(1)], last: 1),
    Case(
      "6.2 HEADERS may be padded and have a priority",
      ClientBytes.frame(
        .headers, [.padded, .priority, .endHeaders, .endStream], stream: 1,
        [2, 0, 0, 0, 3, 255] + ClientBytes.block(ClientBytes.get) + [0, 0]), [.request(1)] + answer),
    Case(
      "6.2 HEADERS are not shorter than their priority",
      ClientBytes.frame(.headers, [.priority, .endHeaders], stream: 1, [0, 0, 0]), .frameSizeError),
    Case(
      "6.2 padding leaves room for the priority",
      ClientBytes.frame(.headers, [.padded, .priority, .endHeaders], stream: 1, [3, 0, 0, 0, 3, 255, 0x82]),
      .protocolError),
    Case(
      "6.2 a stream does not depend on itself",
      ClientBytes.frame(.headers, [.priority, .endHeaders], stream: 1, [0, 0, 0, 1, 9]), .protocolError),
    Case("6.3 PRIORITY belongs to a stream", ClientBytes.frame(.priority, stream: 0, [0, 0, 0, 9, 1]), .protocolError),
    Case("6.3 PRIORITY is read and ignored", ClientBytes.frame(.priority, stream: 9, [0, 0, 0, 7, 1]), []),
    Case("6.4 RST_STREAM belongs to a stream", ClientBytes.reset(0), .protocolError),
    Case(
      "6.4 RST_STREAM has four bytes", open() + ClientBytes.frame(.resetStream, stream: 1, [0, 0, 0]), .frameSizeError,
      after: [.request(1)], last: 1),
    Case("6.5 SETTINGS belong to the connection", ClientBytes.frame(.settings, stream: 1), .protocolError),
    Case("6.5 SETTINGS consist of whole settings", ClientBytes.frame(.settings, [0, 4, 0, 0, 0]), .frameSizeError),
    Case(
      "6.5 an acknowledgement has no content", ClientBytes.frame(.settings, .acknowledgement, [0, 4, 0, 0, 0, 1]),
      .frameSizeError),
    Case(
      "6.5 SETTINGS are acknowledged, and unknown settings are ignored",
      ClientBytes.settings((.init(rawValue: 0x7777), 1)), [.settingsAcknowledgement]),
    Case("6.5.2 SETTINGS_ENABLE_PUSH is 0 or 1", ClientBytes.settings((.enablePush, 2)), .protocolError),
    Case(
      "6.5.2 SETTINGS_INITIAL_WINDOW_SIZE is no more than the largest window",
      ClientBytes.settings((.initialWindowSize, 0x8000_0000)), .flowControlError),
    Case(
      "6.5.2 SETTINGS_MAX_FRAME_SIZE is no less than 16,384", ClientBytes.settings((.maximumFrameSize, 16_383)),
      .protocolError),
    Case(
      "6.5.2 SETTINGS_MAX_FRAME_SIZE is no more than 2^24 - 1", ClientBytes.settings((.maximumFrameSize, 0x0100_0000)),
      .protocolError),
    Case(
      "RFC 9218 2.1 SETTINGS_NO_RFC7540_PRIORITIES is 0 or 1", ClientBytes.settings((.noRFC7540Priorities, 2)),
      .protocolError),
    Case(
      "6.6 a client may not push", ClientBytes.frame(.pushPromise, .endHeaders, stream: 1, [0, 0, 0, 2]),
      .protocolError),
    Case(
      "6.7 PING is answered with the same data", ClientBytes.frame(.ping, [1, 2, 3, 4, 5, 6, 7, 8]),
      [.pong(0x0102_0304_0506_0708)]),
    Case(
      "6.7 the acknowledgement of a PING is not answered",
      ClientBytes.frame(.ping, .acknowledgement, [1, 2, 3, 4, 5, 6, 7, 8]),
      []),
    Case(
      "6.7 PING belongs to the connection", ClientBytes.frame(.ping, stream: 1, [1, 2, 3, 4, 5, 6, 7, 8]),
      .protocolError),
    Case("6.7 PING has eight bytes", ClientBytes.frame(.ping, [1, 2, 3, 4, 5, 6, 7]), .frameSizeError),
    Case(
      "6.8 GOAWAY belongs to the connection", ClientBytes.frame(.goAway, stream: 1, [UInt8](repeating: 0, count: 8)),
      .protocolError),
    Case("6.8 GOAWAY has eight bytes", ClientBytes.frame(.goAway, [0, 0, 0, 0]), .frameSizeError),
    Case(
      "6.8 requests of a client that sends GOAWAY are answered",
      open() + ClientBytes.frame(.goAway, [UInt8](repeating: 0, count: 8)) + ClientBytes.data(1, ends: true),
      [.request(1), .content(1)] + answer),
    Case("6.9 WINDOW_UPDATE has four bytes", ClientBytes.frame(.windowUpdate, [0, 0, 1]), .frameSizeError),
    Case("6.9 the increment of a connection's window is not 0", ClientBytes.windowUpdate(0, 0), .protocolError),
    Case(
      "6.9.1 a connection's window does not exceed the maximum", ClientBytes.windowUpdate(0, 0x7FFF_FFFF),
      .flowControlError),
    Case("6.10 a block may come in fragments", ClientBytes.fragmented(1), [.request(1)] + answer),
    Case(
      "6.10 CONTINUATION follows a fragment", ClientBytes.frame(.continuation, .endHeaders, stream: 1), .protocolError),
    Case(
      "RFC 9218 7.1 PRIORITY_UPDATE belongs to the connection",
      ClientBytes.frame(.priorityUpdate, stream: 1, [0, 0, 0, 1]), .protocolError),
    Case(
      "RFC 9218 7.1 PRIORITY_UPDATE has four bytes", ClientBytes.frame(.priorityUpdate, [0, 0, 0]), .frameSizeError),
    Case("RFC 9218 7.1 PRIORITY_UPDATE names a stream", ClientBytes.priorityUpdate(0, "u=1"), .protocolError),
    Case("RFC 9218 7.1 PRIORITY_UPDATE does not name a push", ClientBytes.priorityUpdate(2, "u=1"), .protocolError),
  ]

  @Test(arguments: cases)
  func `a frame has the expected result, however it is split`(_ it: Case) { #expect(tell(it.bytes) == it.told) }

  @Test func `3_4 the connection begins with the preface and SETTINGS, on both sides`() {
    let scenario = CoreScenario()
    #expect(scenario.take() == [.settings, .windowUpdate(0, 512 * 1024 - 65_535)])
    #expect(scenario.send(ClientBytes.preface) == [])
    #expect(scenario.send(ClientBytes.settings()) == [.settingsAcknowledgement])
  }

  @Test(arguments: [
    Array("GET / HTTP/1.1\r\n".utf8), Array("PRI * HTTP/2.0\r\n\r\nXM\r\n\r\n".utf8),
    ClientBytes.preface + ClientBytes.request(1), ClientBytes.preface + ClientBytes.settingsAcknowledgement,
  ])
  func `3_4 a connection with another beginning is not HTTP/2`(_ bytes: [UInt8]) {
    let scenario = CoreScenario()
    _ = scenario.take()
    #expect(scenario.send(bytes).contains(.failed(.protocolError)))
  }
}

extension ClientBytes {
  /// A request whose head is sent one byte per frame.
  static func fragmented(_ stream: StreamID) -> [UInt8] {
    let block = block(get)
    return frame(.headers, .endStream, stream: stream)
      + block.dropLast().flatMap { frame(.continuation, stream: stream, [$0]) }
      + frame(.continuation, .endHeaders, stream: stream, [block[block.count - 1]])
  }

  /// A frame of the connection.
  static func frame(_ type: FrameType, _ payload: [UInt8]) -> [UInt8] { frame(type, [], stream: 0, payload) }

  static func frame(_ type: FrameType, _ flags: FrameFlags, _ payload: [UInt8]) -> [UInt8] {
    frame(type, flags, stream: 0, payload)
  }
}

/// Encodes frames (RFC 9113 section 6).
extension ByteBuffer {
  /// Appends the header of a frame. The caller appends the payload.
  @inline(__always)
  package mutating func append(_ header: FrameHeader) {
    reserve(FrameHeader.size)
    append(UInt8(truncatingIfNeeded: header.length >> 16))
    append(UInt8(truncatingIfNeeded: header.length >> 8))
    append(UInt8(truncatingIfNeeded: header.length))
    append(header.type.rawValue)
    append(header.flags.rawValue)
    append(bigEndian: header.stream)
  }

  /// Replaces the frame header that begins at `index`.
  @inline(__always)
  mutating func replace(_ header: FrameHeader, at index: Int) {
    replace(at: index, with: UInt8(truncatingIfNeeded: header.length >> 16))
    replace(at: index + 1, with: UInt8(truncatingIfNeeded: header.length >> 8))
    replace(at: index + 2, with: UInt8(truncatingIfNeeded: header.length))
    replace(at: index + 3, with: header.type.rawValue)
    replace(at: index + 4, with: header.flags.rawValue)
    for byte in 0..<4 {
      replace(at: index + 5 + byte, with: UInt8(truncatingIfNeeded: header.stream >> UInt32(24 - 8 * byte)))
    }
  }

  @inline(__always)
  package mutating func append(bigEndian word: UInt32) {
    append(UInt8(truncatingIfNeeded: word >> 24))
    append(UInt8(truncatingIfNeeded: word >> 16))
    append(UInt8(truncatingIfNeeded: word >> 8))
    append(UInt8(truncatingIfNeeded: word))
  }

  package mutating func appendSettings(_ settings: [Settings.Entry]) {
    append(FrameHeader(length: settings.count * Settings.entrySize, type: .settings, stream: 0))
    for setting in settings {
      append(UInt8(truncatingIfNeeded: setting.name.rawValue >> 8))
      append(UInt8(truncatingIfNeeded: setting.name.rawValue))
      append(bigEndian: setting.value)
    }
  }

  package mutating func appendSettingsAcknowledgement() {
    append(FrameHeader(length: 0, type: .settings, flags: .acknowledgement, stream: 0))
  }

  package mutating func appendPing(_ data: UInt64, flags: FrameFlags = []) {
    append(FrameHeader(length: 8, type: .ping, flags: flags, stream: 0))
    append(bigEndian: UInt32(truncatingIfNeeded: data >> 32))
    append(bigEndian: UInt32(truncatingIfNeeded: data))
  }

  package mutating func appendResetStream(_ stream: StreamID, _ code: ErrorCode) {
    append(FrameHeader(length: 4, type: .resetStream, stream: stream))
    append(bigEndian: code.rawValue)
  }

  package mutating func appendWindowUpdate(_ stream: StreamID, increment: Int) {
    append(FrameHeader(length: 4, type: .windowUpdate, stream: stream))
    append(bigEndian: UInt32(truncatingIfNeeded: increment))
  }

  mutating func appendGoAway(lastStream: StreamID, _ code: ErrorCode, debug: StaticString = "") {
    append(FrameHeader(length: 8 + debug.utf8CodeUnitCount, type: .goAway, stream: 0))
    append(bigEndian: lastStream)
    append(bigEndian: code.rawValue)
    append(debug)
  }
}

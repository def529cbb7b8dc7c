/// The number of a stream of a connection; 0 is the connection itself (RFC 9113 section 5.1.1).
package typealias StreamID = UInt32

extension StreamID {
  /// The largest stream number. It has 31 bits; the highest bit on the wire is reserved (section 4.1).
  static let largest: StreamID = 0x7FFF_FFFF

  /// Whether the number is one of those that a client opens.
  var isClientInitiated: Bool { self & 1 == 1 }
}

/// The type of a frame (RFC 9113 section 6, RFC 9218 section 7.1). Frames of unknown types are skipped.
package struct FrameType: RawRepresentable, Hashable, Sendable {
  package var rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static var data: FrameType { FrameType(rawValue: 0x0) }
  package static var headers: FrameType { FrameType(rawValue: 0x1) }
  static var priority: FrameType { FrameType(rawValue: 0x2) }
  static var resetStream: FrameType { FrameType(rawValue: 0x3) }
  static var settings: FrameType { FrameType(rawValue: 0x4) }
  static var pushPromise: FrameType { FrameType(rawValue: 0x5) }
  static var ping: FrameType { FrameType(rawValue: 0x6) }
  static var goAway: FrameType { FrameType(rawValue: 0x7) }
  static var windowUpdate: FrameType { FrameType(rawValue: 0x8) }
  static var continuation: FrameType { FrameType(rawValue: 0x9) }
  static var priorityUpdate: FrameType { FrameType(rawValue: 0x10) }
}

/// The flags of a frame. Their meaning depends on its type.
package struct FrameFlags: OptionSet, Hashable, Sendable {
  package var rawValue: UInt8

  package init(rawValue: UInt8) { self.rawValue = rawValue }

  package static var acknowledgement: FrameFlags { FrameFlags(rawValue: 0x1) }
  package static var endStream: FrameFlags { FrameFlags(rawValue: 0x1) }
  package static var endHeaders: FrameFlags { FrameFlags(rawValue: 0x4) }
  static var padded: FrameFlags { FrameFlags(rawValue: 0x8) }
  static var priority: FrameFlags { FrameFlags(rawValue: 0x20) }
}

/// The nine bytes that every frame begins with (RFC 9113 section 4.1).
package struct FrameHeader: Hashable, Sendable {
  package static var size: Int { 9 }

  /// The length of the payload in bytes.
  var length: Int
  package var type: FrameType
  var flags: FrameFlags = []
  package var stream: StreamID

  package init(length: Int, type: FrameType, flags: FrameFlags = [], stream: StreamID) {
    self.length = length
    self.type = type
    self.flags = flags
    self.stream = stream
  }

  /// Reads the header at `start`. All nine bytes must be there.
  @inline(__always)
  package init(_ input: Span<UInt8>, at start: Int) {
    length = Int(input[start]) << 16 | Int(input[start + 1]) << 8 | Int(input[start + 2])
    type = FrameType(rawValue: input[start + 3])
    flags = FrameFlags(rawValue: input[start + 4])
    stream = input.bigEndianWord(at: start + 5) & StreamID.largest
  }
}

/// A received frame that passed all checks which do not depend on other frames. Ranges refer to the input.
package enum Frame: Hashable, Sendable {
  /// - Parameter length: The length that counts for flow control: content, padding, and the padding length.
  case data(StreamID, content: Range<Int>, length: Int, endsStream: Bool)
  case headers(StreamID, fragment: Range<Int>, endsStream: Bool, endsHeaders: Bool)
  case priority(StreamID)
  case resetStream(StreamID, ErrorCode)
  case settings(Range<Int>)
  case settingsAcknowledgement
  case pushPromise(StreamID)
  case ping(UInt64)
  case pingAcknowledgement(UInt64)
  case goAway(lastStream: StreamID, ErrorCode)
  /// - Parameter increment: Never 0 for the connection; 0 for a stream is an error of that stream.
  case windowUpdate(StreamID, increment: Int)
  case continuation(StreamID, fragment: Range<Int>, endsHeaders: Bool)
  case priorityUpdate(StreamID, value: Range<Int>)
  case unknown(FrameType)
}

extension Span<UInt8> {
  /// Returns the big-endian number in the four bytes from `start` on.
  @inline(__always)
  func bigEndianWord(at start: Int) -> UInt32 {
    UInt32(self[start]) << 24 | UInt32(self[start + 1]) << 16 | UInt32(self[start + 2]) << 8 | UInt32(self[start + 3])
  }
}

/// A frame in its wire format (RFC 6455 section 5.2).
struct Frame {
  enum Opcode: UInt8 {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    /// Whether the frame is a control frame, which may come between the fragments of a message.
    var isControl: Bool { rawValue >= 8 }
  }

  let opcode: Opcode
  /// Whether the frame is the last of its message.
  let isFinal: Bool
  /// The payload, unmasked.
  let payload: [UInt8]

  /// The header of an unmasked frame with a whole message of `count` bytes, as a server sends it.
  static func head(_ opcode: Opcode, _ count: Int) -> [UInt8] {
    let start = [0x80 | opcode.rawValue]
    return switch count {
    case ...125: start + [UInt8(count)]
    case ...0xFFFF: start + [126] + bytes(of: UInt16(count))
    default: start + [127] + bytes(of: UInt64(count))
    }
  }
}

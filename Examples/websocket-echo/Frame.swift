/// A frame as it is on the wire (RFC 6455 section 5.2).
struct Frame {
  enum Opcode: UInt8 {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    /// Whether such a frame may come between the fragments of a message, and is none of them.
    var isControl: Bool { rawValue >= 8 }
  }

  let opcode: Opcode
  /// Whether it is the last of its message.
  let isFinal: Bool
  /// What it carries, unmasked.
  let payload: [UInt8]

  /// What comes before `count` bytes of a message that the server sends in one frame, which it does not mask.
  static func head(_ opcode: Opcode, _ count: Int) -> [UInt8] {
    let start = [0x80 | opcode.rawValue]
    return switch count {
    case ...125: start + [UInt8(count)]
    case ...0xFFFF: start + [126] + bytes(of: UInt16(count))
    default: start + [127] + bytes(of: UInt64(count))
    }
  }
}

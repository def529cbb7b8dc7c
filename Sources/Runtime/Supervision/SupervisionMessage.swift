import CRuntime

/// A message from a process to its supervisor: one byte, or one byte and a text.
enum SupervisionMessage: Equatable {
  /// The process is serving.
  case ready
  /// The process's runtime still runs tasks: its heartbeat.
  case alive
  /// The process is crashing. The text is the activity of the crashing task, or empty if that is unknown. A signal
  /// handler sends the message (`gearbox_report_crashes`).
  case lastWords(String)

  /// The maximum length of a message in bytes.
  static let longest = Int(gearbox_longest_last_words)

  /// Decodes a message. Returns `nil` for one that this version does not know.
  init?(_ bytes: some Collection<UInt8>) {
    switch bytes.first {
    case UInt8(ascii: "r"): self = .ready
    case UInt8(ascii: "a"): self = .alive
    case UInt8(gearbox_last_words): self = .lastWords(String(decoding: bytes.dropFirst(), as: UTF8.self))
    default: return nil
    }
  }

  var bytes: [UInt8] {
    switch self {
    case .ready: [UInt8(ascii: "r")]
    case .alive: [UInt8(ascii: "a")]
    case .lastWords(let text): [UInt8(gearbox_last_words)] + text.utf8.prefix(Self.longest - 1)
    }
  }
}

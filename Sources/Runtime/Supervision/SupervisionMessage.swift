import CRuntime

/// What a process tells its supervisor: a message of one byte, or of one byte and a text.
enum SupervisionMessage: Equatable {
  /// It serves from now on.
  case ready
  /// Its runtime still runs tasks.
  case alive
  /// It crashes, and this is what its task was doing; empty if that is not known. A signal handler sends it
  /// (`gearbox_report_crashes`).
  case lastWords(String)

  /// The longest message in bytes.
  static let longest = Int(gearbox_longest_last_words)

  /// The message that `bytes` spell; `nil` for one that this version does not know.
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

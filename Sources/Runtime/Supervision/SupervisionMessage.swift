import CRuntime

/// A message from a process to its supervisor: one byte, or one byte and a text.
enum SupervisionMessage: Equatable {
  /// The process is serving.
  case ready
  /// The process's runtime still runs tasks.
  case heartbeat
  /// The process is crashing. The activity is that of the crashing task, or empty if it is unknown. A signal handler
  /// sends the message (`gearbox_report_crashes`).
  case crash(activity: String)

  /// The maximum length of a message in bytes.
  static let maximumLength = Int(gearbox_max_crash_message_length)

  /// Decodes a message. Returns `nil` for one that this version does not know.
  init?(_ bytes: some Collection<UInt8>) {
    switch bytes.first {
    case UInt8(ascii: "r"): self = .ready
    case UInt8(ascii: "a"): self = .heartbeat
    case UInt8(gearbox_crash_message_type):
      self = .crash(activity: String(decoding: bytes.dropFirst(), as: UTF8.self))
    default: return nil
    }
  }

  var bytes: [UInt8] {
    switch self {
    case .ready: [UInt8(ascii: "r")]
    case .heartbeat: [UInt8(ascii: "a")]
    case .crash(let activity): [UInt8(gearbox_crash_message_type)] + activity.utf8.prefix(Self.maximumLength - 1)
    }
  }
}

/// The field names that mean something to the engine itself, told apart once, when a field is added.
enum FieldName: UInt8, Sendable {
  case other
  case connection
  case contentLength
  case date
  case expect
  case host
  case keepAlive
  case server
  case te
  case trailer
  case transferEncoding
  case upgrade

  /// The name that `bytes` spell, in whatever case.
  init(_ bytes: Span<UInt8>) {
    // The length tells nearly all of them apart, so that most names cost one comparison.
    switch bytes.count {
    case 2 where bytes.equalsIgnoringCase("te"): self = .te
    case 4 where bytes.equalsIgnoringCase("host"): self = .host
    case 4 where bytes.equalsIgnoringCase("date"): self = .date
    case 6 where bytes.equalsIgnoringCase("expect"): self = .expect
    case 6 where bytes.equalsIgnoringCase("server"): self = .server
    case 7 where bytes.equalsIgnoringCase("trailer"): self = .trailer
    case 7 where bytes.equalsIgnoringCase("upgrade"): self = .upgrade
    case 10 where bytes.equalsIgnoringCase("connection"): self = .connection
    case 10 where bytes.equalsIgnoringCase("keep-alive"): self = .keepAlive
    case 14 where bytes.equalsIgnoringCase("content-length"): self = .contentLength
    case 17 where bytes.equalsIgnoringCase("transfer-encoding"): self = .transferEncoding
    default: self = .other
    }
  }
}

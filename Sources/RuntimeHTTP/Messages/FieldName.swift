/// The field names that the engine interprets. A name is recognised once, when its field is added.
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

  /// Recognises the name that `token` spells, ignoring case.
  init(_ token: Span<UInt8>) {
    // The first eight characters in lower case, as an integer; a test compares these with the names. No token character
    // but a letter becomes a character of these names.
    switch token.isEmpty ? 0 : token.packed(from: 0) | 0x2020_2020_2020_2020 {
    case 0x2020_2020_2020_6574: self = .te
    case 0x2020_2020_7473_6F68: self = .host
    case 0x2020_2020_6574_6164: self = .date
    case 0x2020_7463_6570_7865: self = .expect
    case 0x2020_7265_7672_6573: self = .server
    case 0x2072_656C_6961_7274: self = .trailer
    case 0x2065_6461_7267_7075: self = .upgrade
    case 0x6974_6365_6E6E_6F63 where token.equalsIgnoringCase("connection"): self = .connection
    case 0x696C_612D_7065_656B where token.equalsIgnoringCase("keep-alive"): self = .keepAlive
    case 0x2D74_6E65_746E_6F63 where token.equalsIgnoringCase("content-length"): self = .contentLength
    case 0x7265_6673_6E61_7274 where token.equalsIgnoringCase("transfer-encoding"): self = .transferEncoding
    default: self = .other
    }
  }
}

/// The scheduling priority of a response (RFC 9218 section 4).
struct Priority: Hashable, Sendable {
  /// The urgency, from 0, the most urgent, to 7.
  var urgency: UInt8 = 3
  /// Whether the client can use parts of the response before it is complete.
  var isIncremental = false

  init(urgency: UInt8 = 3, isIncremental: Bool = false) {
    self.urgency = urgency
    self.isIncremental = isIncremental
  }

  /// Parses the value of a `Priority` field or of a PRIORITY_UPDATE frame: a dictionary of RFC 8941 with the keys `u`
  /// and `i`. Members that are unknown, out of range or malformed keep the values of `other`, the result of the
  /// previous lines of the field.
  init(_ value: Span<UInt8>, after other: Priority = Priority()) {
    self = other
    var start = 0
    while start < value.count {
      let end = value.firstIndex(of: UInt8(ascii: ","), from: start) ?? value.count
      apply(value.extracting(value.trimmed(from: start, to: end)))
      start = end + 1
    }
  }

  private mutating func apply(_ member: Span<UInt8>) {
    // Parameters of a member, after a semicolon, have no meaning here.
    let end = member.firstIndex(of: UInt8(ascii: ";")) ?? member.count
    guard end > 0 else { return }
    switch (member[0], end) {
    case (UInt8(ascii: "u"), 3) where member[1] == UInt8(ascii: "="):
      let digit = member[2] &- UInt8(ascii: "0")
      if digit <= 7 { urgency = digit }
    case (UInt8(ascii: "i"), 1): isIncremental = true
    case (UInt8(ascii: "i"), 4) where member[1] == UInt8(ascii: "=") && member[2] == UInt8(ascii: "?"):
      isIncremental = member[3] == UInt8(ascii: "1")
    default: return
    }
  }
}

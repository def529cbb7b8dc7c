/// The state that HTTP/1 hands over when a connection switches to HTTP/2.
struct HTTP2Handover: Sendable {
  /// Bytes of HTTP/2 that have already been read.
  var rest: [UInt8] = []
  /// The request whose `Upgrade` field was accepted, and its decoded `HTTP2-Settings`.
  var upgrade: (request: Request, settings: [UInt8])?
}

extension Workspace {
  /// Accepts a request's valid offer to switch to HTTP/2 (RFC 7540 section 3.2): writes the response to ``output`` and
  /// stores the request in ``handover``. Requests with content are answered over HTTP/1, and so are those after which
  /// the connection has to end (RFC 9112 section 9.6).
  func upgrade(_ origin: RequestOrigin) -> Bool {
    guard decoder.isComplete, decoder.framing.keepAlive else { return false }
    var fields = decoder.parts.fields
    let offers = fields.values(for: "HTTP2-Settings")
    var names: (upgrade: Bool, settings: Bool) = (false, false)
    var position = 0
    while let entry = fields.nextEntry(&position) {
      guard entry.name == .connection else { continue }
      let value = fields.bytes.span.extracting(entry.valueRange)
      if value.listContains("upgrade") { names.upgrade = true }
      if value.listContains("http2-settings") { names.settings = true }
    }
    guard names.upgrade, names.settings, offers.count == 1, let settings = base64URLDecoded(offers[0]),
      settings.count % Settings.entrySize == 0
    else { return false }
    for name in ["Connection", "Upgrade", "HTTP2-Settings"] { fields.remove(name) }
    let parts = decoder.parts.copy()
    parts.fields = fields
    parts.origin = origin
    // The request becomes stream 1 (RFC 7540 section 3.2).
    parts.number = 1
    decoder.beginNext()
    output.append("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    handover = HTTP2Handover(rest: Array(input.contents), upgrade: (Request(parts), settings))
    return true
  }
}

/// Decodes `text` in the URL-safe base64 alphabet without padding (RFC 4648 section 5). Returns `nil` if it is invalid.
func base64URLDecoded(_ text: String) -> [UInt8]? {
  var bytes: [UInt8] = []
  var bits: UInt32 = 0
  var count = 0
  for character in text.utf8 {
    let value: UInt8
    switch character {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - UInt8(ascii: "A")
    case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - UInt8(ascii: "a") + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0") + 52
    case UInt8(ascii: "-"): value = 62
    case UInt8(ascii: "_"): value = 63
    default: return nil
    }
    bits = bits << 6 | UInt32(value)
    count += 6
    if count >= 8 {
      count -= 8
      bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
      bits &= 1 << UInt32(count) - 1
    }
  }
  // The rest must be less than one character and zero.
  return count < 6 && bits == 0 ? bytes : nil
}

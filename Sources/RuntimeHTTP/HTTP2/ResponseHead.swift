/// Whether a response has content, and which length it says (RFC 9110 sections 6.4.1 and 8.6).
struct ResponseFraming {
  var hasContent = false
  var length: Int?

  @inline(__always)
  init(_ status: Status, _ fields: HeaderFields, length: Int?, method: Method) {
    if status.code == 200, method == .get, let length {
      // What nearly every response is.
      (hasContent, self.length) = (true, length)
    } else {
      decide(status, fields, length: length, method: method)
    }
  }

  /// Whether a response with `status` to a request with `method` has content, whatever its handler has for it.
  static func hasContent(_ status: Status, to method: Method) -> Bool {
    ResponseFraming(status, HeaderFields(), length: nil, method: method).hasContent
  }

  @inline(never)
  private mutating func decide(_ status: Status, _ fields: HeaderFields, length: Int?, method: Method) {
    // The length that the fields declare, for where nothing better is known.
    let declared = fields.contentLength
    if method == .connect, status.isSuccess {
      // RFC 9110 section 9.3.6: what would follow is a tunnel, which there is none of.
      return
    } else if status.code == 205 {
      self.length = 0
    } else if status.code == 304 || method == .head && !status.forbidsContent {
      let described = length == 0 || status.code == 304 ? declared ?? length : length ?? declared
      if status.code != 304 || declared != nil { self.length = described }
    } else if !status.forbidsContent {
      self.length = length ?? declared
      hasContent = true
    }
  }
}

extension HTTP2Core {
  /// Appends the lines of a response's head (RFC 9113 section 8.3.2): those of its fields that are not the engine's, and
  /// those every response has.
  ///
  /// - Returns: whether the connection is to end with it: who answers has said `Connection: close`.
  @inline(__always)
  mutating func encode(_ status: Status, _ fields: HeaderFields, contentLength: Int?) -> Bool {
    encoder.encode(status: Int(status.code), into: &output)
    var hasDate = false
    var hasServer = false
    var closes = false
    let bytes = fields.bytes.span
    for entry in fields.entries {
      let name = bytes.extracting(fields.nameRange(entry))
      let value = bytes.extracting(fields.valueRange(entry))
      switch entry.name {
      // Section 8.2.2: what is about an HTTP/1 connection has no place here.
      case .contentLength, .keepAlive, .te, .transferEncoding, .upgrade: continue
      case .other where name.count == 16 && name.equalsIgnoringCase("proxy-connection"): continue
      case .connection:
        closes = closes || value.listContains("close")
        continue
      case .date where hasDate: continue
      case .date: hasDate = true
      case .server: hasServer = true
      default: break
      }
      encoder.encode(name, value, into: &output)
    }
    if let contentLength { encodeLength(contentLength) }
    if !hasDate, !date.bytes.isEmpty {
      let text = date.bytes
      encoder.encode("date", text.span, into: &output)
    }
    if !hasServer, !serverName.isEmpty {
      let name = serverName
      encoder.encode("server", name.span, into: &output)
    }
    return closes
  }

  @inline(__always)
  private mutating func encodeLength(_ length: Int) {
    var digits = InlineArray<20, UInt8>(repeating: 0)
    var start = 20
    var rest = length
    repeat {
      start -= 1
      digits[start] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    } while rest > 0
    encoder.encode("content-length", digits.span.extracting(start..<20), into: &output)
  }

  /// Appends the lines of trailers.
  mutating func encodeTrailers(_ trailers: HeaderFields) {
    let bytes = trailers.bytes.span
    for entry in trailers.entries where !trailers.isForbiddenInTrailers(entry) {
      encoder.encode(
        bytes.extracting(trailers.nameRange(entry)), bytes.extracting(trailers.valueRange(entry)), into: &output)
    }
  }
}

extension HeaderFields {
  /// Whether any of these may come after the content.
  var hasTrailers: Bool { entries.contains { !isForbiddenInTrailers($0) } }
}
